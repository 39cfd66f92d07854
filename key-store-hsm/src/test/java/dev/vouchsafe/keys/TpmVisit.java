package dev.vouchsafe.keys;

import static dev.vouchsafe.keys.TpmHome.CA;

import java.nio.file.Path;

/** Another process that signs with a store's key: prints a line for each signature. */
final class TpmVisit {
  private TpmVisit() {}

  /**
   * Signs.
   *
   * @param arguments the home, the TCTI, and how many signatures
   */
  public static void main(String[] arguments) throws Exception {
    TpmHome keys = new TpmHome(Path.of(arguments[0]), arguments[1], TpmTools.PLACES);
    try (PrivateKeyStore store = keys.open()) {
      StoredKey key = store.find(CA).orElseThrow();
      for (int i = 0; i < Integer.parseInt(arguments[2]); i++) {
        System.out.println(TpmHome.signs(key));
      }
    }
  }
}
