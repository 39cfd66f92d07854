package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An auth value, read from its source each time it is given to the TPM, and never given again after
 * it was refused, unless its file was written anew: a TPM counts wrong values and locks.
 *
 * <p>It goes to tpm2-tools by their standard input only, in hexadecimal digits, so that no octet of
 * it has a meaning there.
 */
final class TpmAuth {
  private static final String HEX = "hex:";
  private static final int LONGEST = 64;
  private static final String OF_KEYS = "vouchsafe tpm key auth";

  private final String setting;
  private final Optional<SealSource> source;
  private final SecureFiles files;
  private final boolean ofKeys;
  private volatile SecureFiles.@Nullable Version refused;

  private TpmAuth(String setting, Optional<SealSource> source, SecureFiles files, boolean ofKeys) {
    this.setting = setting;
    this.source = source;
    this.files = files;
    this.ofKeys = ofKeys;
  }

  /** That of the owner hierarchy, which somebody else has set: given as it is. */
  static TpmAuth ofOwner(TpmSettings settings, SecureFiles files) {
    return new TpmAuth("tpm-owner-auth", settings.ownerAuth(), files, false);
  }

  /** That of our keys: 32 octets, the SHA-256 of the secret, so that any secret fits. */
  static TpmAuth ofKeys(TpmSettings settings, SecureFiles files) {
    return new TpmAuth("tpm-key-auth", settings.keyAuth(), files, true);
  }

  /** The name of its setting. */
  String setting() {
    return setting;
  }

  boolean isSet() {
    return source.isPresent();
  }

  Optional<SealSource> source() {
    return source;
  }

  /** Whether it is 32 random octets, which nobody guesses. */
  boolean isGenerated() {
    return source.filter(SealSource.GeneratedFile.class::isInstance).isPresent();
  }

  /**
   * What tpm2-tools read as {@code file:-}; the caller wipes it. Empty if there is none.
   *
   * @throws KeyFault.Failed if it can't be read, or was refused before
   */
  byte[] input() throws KeyFault {
    if (source.isEmpty()) {
      return new byte[0];
    }
    SecureFiles.Version before = refused;
    if (before != null && before.equals(version(source.get()))) {
      throw new KeyFault.Failed(
          "the TPM refused the auth value of "
              + named()
              + ", which is not tried a second time: correct the file");
    }
    byte[] value = read(source.get());
    try {
      return hex(value);
    } finally {
      Arrays.fill(value, (byte) 0);
    }
  }

  private byte[] read(SealSource from) throws KeyFault {
    try (SealSecret secret = SealSecret.read(from, files)) {
      byte[] octets = secret.key();
      if (ofKeys) {
        byte[] digest = digest(octets);
        Arrays.fill(octets, (byte) 0);
        return digest;
      }
      if (octets.length > LONGEST) {
        Arrays.fill(octets, (byte) 0);
        throw new KeyFault.Failed(
            SealSecret.file(from) + " holds more than the " + LONGEST + " octets of an auth value");
      }
      return octets;
    } catch (KeyFault.Failed e) {
      throw new KeyFault.Failed(setting + ": " + e.getMessage(), e);
    }
  }

  private static byte[] digest(byte[] secret) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      sha256.update(OF_KEYS.getBytes(StandardCharsets.US_ASCII));
      sha256.update((byte) 0);
      return sha256.digest(secret);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime has no SHA-256", e);
    }
  }

  /** Without a string, which could not be wiped. */
  private static byte[] hex(byte[] value) {
    byte[] text = new byte[HEX.length() + 2 * value.length];
    for (int i = 0; i < HEX.length(); i++) {
      text[i] = (byte) HEX.charAt(i);
    }
    for (int i = 0; i < value.length; i++) {
      text[HEX.length() + 2 * i] = (byte) HexFormat.of().toHighHexDigit(value[i]);
      text[HEX.length() + 2 * i + 1] = (byte) HexFormat.of().toLowHexDigit(value[i]);
    }
    return text;
  }

  /** The TPM has refused it: it is not given again until its file is another. */
  void refuse() throws KeyFault {
    if (source.isPresent()) {
      refused = version(source.get());
    }
  }

  private SecureFiles.Version version(SealSource from) throws KeyFault {
    try {
      return SecureFiles.version(SealSecret.file(from));
    } catch (IOException e) {
      throw SecureFiles.fault(setting + " can't be read", e);
    }
  }

  /** The setting and its file, for people. */
  String named() throws KeyFault.Failed {
    return source.isPresent() ? setting + " (" + SealSecret.file(source.get()) + ")" : setting;
  }
}
