package dev.vouchsafe.keys;

/**
 * Which token holds the keys, and where its library runs.
 *
 * @param uri the token
 * @param helper whether the library runs in a process of its own, so that its crash or hang doesn't
 *     reach this one. That process is {@code p11-kit server} (p11-kit 0.24 or later), which must be
 *     installed; it is started, watched and ended by the store. A signature takes some 65
 *     microseconds more
 */
public record Pkcs11Settings(Pkcs11Uri uri, boolean helper) {
  /** With its library in this process. */
  public static Pkcs11Settings inProcess(Pkcs11Uri uri) {
    return new Pkcs11Settings(uri, false);
  }
}
