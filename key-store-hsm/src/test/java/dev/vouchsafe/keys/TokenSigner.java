package dev.vouchsafe.keys;

import java.nio.file.Path;

/** A program that opens a store in a token and signs until it is killed, a line for each. */
final class TokenSigner {
  private TokenSigner() {}

  public static void main(String[] arguments) throws Exception {
    try (PrivateKeyStore store =
        PrivateKeyStores.openPkcs11(
            Path.of(arguments[0]),
            new Pkcs11Settings(Pkcs11Uri.parse(arguments[1]), Boolean.parseBoolean(arguments[2])),
            Pkcs11Place.CRYPTO)) {
      StoredKey key = store.find(Pkcs11Place.CA).orElseThrow();
      for (int i = 0; i < 1_000_000; i++) {
        System.out.println("signs " + Pkcs11Place.signs(key));
      }
    }
  }
}
