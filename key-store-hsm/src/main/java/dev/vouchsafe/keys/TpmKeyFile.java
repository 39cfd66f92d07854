package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.InvalidKeyException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The file of one key pair in a TPM: {@code "VSTPMKEY" | version (1) | handle (4) | label | PCRs |
 * values | public | private | HMAC-SHA256 (32)}, the five in the middle each behind its length (4
 * octets).
 *
 * <p>The HMAC is by a secret that the store's sealing key derives in the TPM: so nobody who has the
 * folder only can put another key of the same TPM under a label.
 */
final class TpmKeyFile {
  static final String SUFFIX = ".tpmkey";

  private static final byte[] MAGIC = "VSTPMKEY".getBytes(StandardCharsets.US_ASCII);
  private static final byte VERSION = 1;
  private static final int MAC = 32;

  private final int handle;
  private final byte[] label;
  private final Optional<TpmPcrs> pcrs;
  private final TpmBlob blob;

  /**
   * @param handle its persistent handle, or 0
   * @param label the encoded {@link KeyLabel}
   * @param pcrs what it is bound to
   */
  TpmKeyFile(int handle, byte[] label, Optional<TpmPcrs> pcrs, TpmBlob blob) {
    this.handle = handle;
    this.label = label.clone();
    this.pcrs = pcrs;
    this.blob = blob;
  }

  /** Its persistent handle, or 0. */
  int handle() {
    return handle;
  }

  /** The encoded {@link KeyLabel}. */
  byte[] label() {
    return label.clone();
  }

  /** What it is bound to. */
  Optional<TpmPcrs> pcrs() {
    return pcrs;
  }

  TpmBlob blob() {
    return blob;
  }

  /** Whether it is that of the same key. */
  boolean is(TpmKeyFile other) {
    return Arrays.equals(bound(), other.bound());
  }

  byte[] encoded(byte[] secret) {
    byte[] before = bound();
    return ByteBuffer.allocate(before.length + MAC).put(before).put(mac(secret, before)).array();
  }

  private byte[] bound() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(MAGIC);
    out.write(VERSION);
    out.writeBytes(ByteBuffer.allocate(Integer.BYTES).putInt(handle).array());
    for (byte[] field :
        new byte[][] {
          label,
          pcrs.map(p -> p.selection().toString().getBytes(StandardCharsets.US_ASCII))
              .orElse(new byte[0]),
          pcrs.map(TpmPcrs::values).orElse(new byte[0]),
          blob.publicArea().octets(),
          blob.privateArea()
        }) {
      out.writeBytes(ByteBuffer.allocate(Integer.BYTES).putInt(field.length).array());
      out.writeBytes(field);
    }
    return out.toByteArray();
  }

  /**
   * @param secret what {@link #encoded} had
   */
  static TpmKeyFile parse(byte[] octets, byte[] secret) throws MalformedException {
    OctetReader in = new OctetReader(octets);
    TpmKeyFile file = read(in);
    byte[] bound = in.taken();
    if (!MessageDigest.isEqual(mac(secret, bound), in.remainder())) {
      throw new MalformedException("it was changed, or is of another key store");
    }
    return file;
  }

  /** Of a file that may have been changed: good for nothing but to know what to evict. */
  static TpmKeyFile parseUnproven(byte[] octets) throws MalformedException {
    OctetReader in = new OctetReader(octets);
    TpmKeyFile file = read(in);
    if (in.remainder().length != MAC) {
      throw new MalformedException("it is cut off");
    }
    return file;
  }

  private static TpmKeyFile read(OctetReader in) throws MalformedException {
    in.expect(MAGIC, "it is no file of a key in a TPM");
    byte version = in.octet();
    if (version != VERSION) {
      throw new MalformedException(
          "its format version is " + version + ", and this program knows " + VERSION);
    }
    int handle = in.integer();
    TpmHandles.checked(handle, handle != 0);
    byte[] label = in.field();
    byte[] selection = in.field();
    byte[] values = in.field();
    Optional<TpmPcrs> pcrs =
        selection.length == 0 ? Optional.empty() : Optional.of(TpmPcrs.of(selection, values));
    TpmBlob blob = TpmBlob.read(in);
    if ((selection.length == 0 && values.length > 0)
        || blob.publicArea().hasPolicy() != pcrs.isPresent()
        || blob.publicArea().isHmac()) {
      throw new MalformedException("its parts don't fit together");
    }
    return new TpmKeyFile(handle, label, pcrs, blob);
  }

  private static byte[] mac(byte[] secret, byte[] octets) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(secret, "HmacSHA256"));
      return mac.doFinal(octets);
    } catch (NoSuchAlgorithmException | InvalidKeyException e) {
      throw new IllegalStateException("this Java runtime has no HMAC-SHA256", e);
    }
  }

  /** The file of that label: a name of fixed length, whatever the label holds. */
  static Path in(Path folder, byte[] label) {
    Path name = KeyFile.in(folder, label).getFileName();
    return folder.resolve(String.valueOf(name).replace(".key", SUFFIX));
  }
}
