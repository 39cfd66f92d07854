package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A shared access signature as a broker reads it: {@code SharedAccessSignature sr=..&sig=..&se=..}.
 *
 * @param scope {@code sr} as it stands in the token, percent-encoded: this text is what is signed
 * @param signature {@code sig}, base64
 * @param expiry {@code se}, seconds since 1970
 */
record SasToken(String scope, String signature, long expiry) {
  private static final String START = "SharedAccessSignature ";

  static SasToken parse(String text) {
    assertThat(text.startsWith(START)).as("starts like a SAS token").isTrue();
    Map<String, String> fields = new HashMap<>();
    for (String field : text.substring(START.length()).split("&", -1)) {
      int equals = field.indexOf('=');
      fields.put(field.substring(0, equals), field.substring(equals + 1));
    }
    assertThat(fields.keySet()).containsExactlyInAnyOrder("sr", "sig", "se");
    return new SasToken(
        fields.getOrDefault("sr", ""),
        decoded(fields.getOrDefault("sig", "")),
        Long.parseLong(fields.getOrDefault("se", "")));
  }

  /** What the token is good for, in clear. */
  String resource() {
    return decoded(scope);
  }

  Instant expires() {
    return Instant.ofEpochSecond(expiry);
  }

  /** Whether the holder of this key signed it: HMAC-SHA256 of scope, newline and expiry. */
  boolean isSignedBy(byte[] key) throws GeneralSecurityException {
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    byte[] expected = mac.doFinal((scope + "\n" + expiry).getBytes(StandardCharsets.UTF_8));
    return MessageDigest.isEqual(expected, Base64.getDecoder().decode(signature));
  }

  /** Not the signature, which is the secret part. */
  @Override
  public String toString() {
    return START + "sr=" + scope + "&se=" + expiry;
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text, StandardCharsets.UTF_8);
  }
}
