package dev.vouchsafe.keys;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The form of {@link PrivateKeyStore#seal}, whatever keeps the key: {@code version (1) | box}, the
 * {@link SealedBox} bound to the purpose.
 */
final class SealedSecrets {
  private static final String SEAL = "vouchsafe sealed secret";
  private static final byte VERSION = 1;
  private static final int LARGEST = 64 * 1024;

  private final SealedBox box;

  SealedSecrets(SealedBox box) {
    this.box = box;
  }

  /** To be asked before the key is fetched. */
  static void checkSecret(byte[] secret) throws KeyFault.Failed {
    if (secret.length > LARGEST) {
      throw new KeyFault.Failed("a secret to seal has at most " + LARGEST + " octets");
    }
  }

  /** To be asked before the key is fetched. */
  static void checkSealed(byte[] sealed) throws KeyFault.Failed {
    if (sealed.length > 1 + SealedBox.OVERHEAD + LARGEST
        || sealed.length < 1 + SealedBox.OVERHEAD
        || sealed[0] != VERSION) {
      throw new KeyFault.Failed("this is no sealed secret of this version");
    }
  }

  byte[] seal(byte[] key, KeyLabel purpose, byte[] secret) {
    byte[] sealed = box.seal(key, SEAL, purpose.encoded(), secret);
    return ByteBuffer.allocate(1 + sealed.length).put(VERSION).put(sealed).array();
  }

  static byte[] unseal(byte[] key, KeyLabel purpose, byte[] sealed) throws KeyFault.Failed {
    byte[] content = Arrays.copyOfRange(sealed, 1, sealed.length);
    return SealedBox.open(key, SEAL, purpose.encoded(), content)
        .orElseThrow(() ->
            new KeyFault.Failed(
                "the sealed secret was changed, is of another key store, or was sealed for"
                    + " another purpose than "
                    + purpose));
  }
}
