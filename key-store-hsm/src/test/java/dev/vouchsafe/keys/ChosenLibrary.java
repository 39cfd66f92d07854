package dev.vouchsafe.keys;

import java.security.KeyPair;

/** A program that tells which library was chosen, and uses it for every type once. */
final class ChosenLibrary {
  private ChosenLibrary() {}

  public static void main(String[] arguments) {
    SoftwareCrypto crypto = SoftwareCrypto.choose();
    System.out.println(crypto.description());
    for (KeyType type : new KeyType[] {KeyType.EC_P256, KeyType.EC_P384, KeyType.RSA_2048}) {
      KeyPair pair = crypto.generate(type);
      byte[] signature = crypto.sign(pair.getPrivate(), type, new byte[10]);
      System.out.println(
          type + " " + crypto.verify(pair.getPublic(), type, new byte[10], signature));
    }
  }
}
