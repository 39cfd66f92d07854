package dev.vouchsafe.keys;

import java.nio.file.Path;
import java.util.HexFormat;

/** A program that makes keys until it is killed, and promises each with a line. */
final class KeyMaker {
  private KeyMaker() {}

  public static void main(String[] arguments) throws KeyFault {
    SoftwareFolder at = new SoftwareFolder(Path.of(arguments[0]));
    try (PrivateKeyStore store = at.open()) {
      for (int i = 0; i < 1_000_000; i++) {
        StoredKey key = store.make(KeyLabel.of(arguments[1], Integer.toString(i)), KeyType.EC_P256);
        System.out.println(i + " " + HexFormat.of().formatHex(key.publicKey().getEncoded()));
      }
    }
  }
}
