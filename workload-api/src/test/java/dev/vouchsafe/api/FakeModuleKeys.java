package dev.vouchsafe.api;

import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.ModuleKeys;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/** Module keys that are derived from nothing secret, and that the test can break. */
final class FakeModuleKeys implements ModuleKeys {
  final List<String> revealed = new CopyOnWriteArrayList<>();

  /** From now on everything ends like that. */
  volatile IssuanceException.@Nullable Reason broken;

  static byte[] key(Module module, String purpose) {
    return hmac(
        "fake".getBytes(StandardCharsets.UTF_8),
        (module + purpose).getBytes(StandardCharsets.UTF_8));
  }

  static byte[] hmac(byte[] key, byte[] data) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(data);
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  private void check() throws IssuanceException {
    IssuanceException.Reason reason = broken;
    if (reason != null) {
      throw new IssuanceException(reason, "said of " + reason.code());
    }
  }

  @Override
  public byte[] sign(Module module, Which which, byte[] data) throws IssuanceException {
    check();
    return hmac(key(module, which.name()), data);
  }

  @Override
  public byte[] reveal(Module module, Which which, String administrator) throws IssuanceException {
    check();
    revealed.add(module.name() + " " + which + " " + administrator);
    return key(module, which.name());
  }

  private static Cipher cipher(int mode, Module module, byte[] iv) throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(
        mode,
        new SecretKeySpec(key(module, "data"), "AES"),
        new GCMParameterSpec(128, new byte[12]));
    cipher.updateAAD(iv);
    return cipher;
  }

  @Override
  public byte[] encrypt(Module module, byte[] iv, byte[] plaintext) throws IssuanceException {
    check();
    try {
      byte[] sealed = cipher(Cipher.ENCRYPT_MODE, module, iv).doFinal(plaintext);
      byte[] framed = new byte[17 + sealed.length];
      framed[0] = 3;
      System.arraycopy(sealed, 0, framed, 17, sealed.length);
      return framed;
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public byte[] decrypt(Module module, byte[] iv, byte[] ciphertext) throws IssuanceException {
    check();
    try {
      if (ciphertext.length < 33 || ciphertext[0] != 3) {
        throw new GeneralSecurityException("framing");
      }
      return cipher(Cipher.DECRYPT_MODE, module, iv)
          .doFinal(Arrays.copyOfRange(ciphertext, 17, ciphertext.length));
    } catch (GeneralSecurityException e) {
      throw new IssuanceException(
          IssuanceException.Reason.CIPHERTEXT_INVALID, "ciphertext: can't be opened", e);
    }
  }
}
