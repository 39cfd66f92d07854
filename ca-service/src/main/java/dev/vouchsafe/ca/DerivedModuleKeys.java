package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyLabel;
import java.time.InstantSource;
import java.util.Locale;
import javax.crypto.spec.SecretKeySpec;

/** The modules' keys, derived from the masters each time one is used. */
final class DerivedModuleKeys implements ModuleKeys {
  private static final int LONGEST_ADMINISTRATOR = 256;

  private final ModuleMasters masters;
  private final KeyLedger ledger;
  private final InstantSource clock;
  private final ModuleHmac hmac = new ModuleHmac();
  private final DataBox box = new DataBox();

  DerivedModuleKeys(ModuleMasters masters, KeyLedger ledger, InstantSource clock) {
    this.masters = masters;
    this.ledger = ledger;
    this.clock = clock;
  }

  @Override
  public boolean ready() {
    return masters.unsealed();
  }

  @Override
  public byte[] sign(Module module, Which which, byte[] data) throws IssuanceException {
    requireLength("data", data, MOST_DATA);
    return hmac.of(ModuleHmac.key(signingKey(module, which)), data);
  }

  @Override
  public byte[] reveal(Module module, Which which, String administrator) throws IssuanceException {
    if (administrator.isBlank() || administrator.length() > LONGEST_ADMINISTRATOR) {
      throw new IssuanceException(
          Reason.REQUEST_INVALID,
          "administrator: 1 to " + LONGEST_ADMINISTRATOR + " characters say who asks");
    }
    byte[] key = signingKey(module, which);
    ledger.note(
        new KeyLedger.Disclosure(
            clock.instant(),
            administrator,
            "reveal-signing-key",
            module.name(),
            module.generation(),
            text(which)));
    return key;
  }

  @Override
  public byte[] encrypt(Module module, byte[] iv, byte[] plaintext) throws IssuanceException {
    requireLength("initializationVector", iv, MOST_IV);
    requireLength("plaintext", plaintext, MOST_DATA);
    return box.seal(dataKey(module), DataBox.bound(module, iv), plaintext);
  }

  @Override
  public byte[] decrypt(Module module, byte[] iv, byte[] ciphertext) throws IssuanceException {
    requireLength("initializationVector", iv, MOST_IV);
    requireLength("ciphertext", ciphertext, MOST_DATA + DataBox.OVERHEAD);
    return box.open(dataKey(module), DataBox.bound(module, iv), ciphertext);
  }

  private byte[] signingKey(Module module, Which which) throws IssuanceException {
    byte[] label = label("module-signing", module.name(), module.generation(), text(which));
    return hmac.of(masters.get().signing(), label);
  }

  private SecretKeySpec dataKey(Module module) throws IssuanceException {
    byte[] label = label("module-data", module.name(), module.generation());
    return ModuleHmac.key(hmac.of(masters.get().data(), label));
  }

  private static byte[] label(String... parts) throws IssuanceException {
    try {
      return KeyLabel.of(parts).encoded();
    } catch (IllegalArgumentException e) {
      throw new IssuanceException(
          Reason.REQUEST_INVALID, "module: its name or generation id can't be part of a label", e);
    }
  }

  private static String text(Which which) {
    return which.name().toLowerCase(Locale.ROOT);
  }

  private static void requireLength(String field, byte[] octets, int most)
      throws IssuanceException {
    if (octets.length > most) {
      throw new IssuanceException(
          Reason.REQUEST_INVALID, field + ": longer than " + most + " octets");
    }
  }
}
