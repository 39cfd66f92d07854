package dev.vouchsafe.ca;

/**
 * How one key store in use stands.
 *
 * @param name as the ledger has it, such as {@code pkcs11}
 * @param state {@code up}, {@code suspect}, {@code reopening}, {@code locked} or {@code gone}
 * @param reason why it isn't up, for administrators, with what to do; empty if it is
 */
public record KeyStoreStatus(String name, String state, String reason) {
  /** Whether it can be used. */
  public boolean isUp() {
    return state.equals("up");
  }
}
