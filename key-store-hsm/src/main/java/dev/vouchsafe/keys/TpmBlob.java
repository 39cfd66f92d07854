package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;

/**
 * An object outside of its TPM: its public area, and its private one as the TPM has encrypted it
 * (TPM2B_PRIVATE), which only that TPM can load, under the primary key that it was made under.
 */
final class TpmBlob {
  private static final int LARGEST = 4096;

  private final TpmPublic publicArea;
  private final byte[] privateArea;

  private TpmBlob(TpmPublic publicArea, byte[] privateArea) {
    this.publicArea = publicArea;
    this.privateArea = privateArea;
  }

  /** Of what tpm2_create has written. */
  static TpmBlob of(byte[] publicArea, byte[] privateArea) throws MalformedException {
    if (privateArea.length < Short.BYTES
        || privateArea.length > LARGEST
        || ((privateArea[0] & 0xff) << Byte.SIZE | (privateArea[1] & 0xff))
            != privateArea.length - Short.BYTES) {
      throw new MalformedException("its private area is cut off, or no private area");
    }
    return new TpmBlob(TpmPublic.parse(publicArea), privateArea.clone());
  }

  /** The next two fields. */
  static TpmBlob read(OctetReader in) throws MalformedException {
    byte[] publicArea = in.field();
    return of(publicArea, in.field());
  }

  TpmPublic publicArea() {
    return publicArea;
  }

  /** Encrypted: it is no secret. */
  byte[] privateArea() {
    return privateArea.clone();
  }

  TpmName name() {
    return publicArea.name();
  }

  @Override
  public String toString() {
    return "blob of " + name();
  }
}
