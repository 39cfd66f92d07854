package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.impl.ECDSA;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.util.Base64URL;
import dev.vouchsafe.ca.TokenException.Reason;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The verifier under attack; each test is named after the attack. */
class TokenVerifierTest {
  private static final Instant NOW = Instant.parse("2026-11-05T10:20:30Z");
  private static final long NOW_SECONDS = NOW.getEpochSecond();
  private static final String CLAIMS =
      "{\"iss\":\"spiffe://gw.example\",\"sub\":\"spiffe://gw.example/edgeHub\",\"aud\":[\"hub\"],"
          + "\"iat\":"
          + NOW_SECONDS
          + ",\"exp\":"
          + (NOW_SECONDS + 300)
          + ",\"jti\":\"001\"}";
  private static final String HEADER = "{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"JWT\"}";

  private static ECKey key;
  private static String jwks;
  private static TokenVerifier verifier;

  @BeforeAll
  static void makeKey() throws Exception {
    key = new ECKeyGenerator(Curve.P_256).keyID("k1").keyUse(KeyUse.SIGNATURE).generate();
    jwks = "{\"keys\":[" + key.toPublicJWK().toJSONString() + "]}";
    verifier = TokenVerifier.of(jwks);
  }

  /** A token with that very header and payload, rightly signed. */
  static String token(String header, String payload) throws Exception {
    return token(header.getBytes(StandardCharsets.UTF_8), payload.getBytes(StandardCharsets.UTF_8));
  }

  private static String token(byte[] header, byte[] payload) throws Exception {
    String input = Base64URL.encode(header) + "." + Base64URL.encode(payload);
    Base64URL signature =
        new ECDSASigner(key)
            .sign(new JWSHeader(JWSAlgorithm.ES256), input.getBytes(StandardCharsets.US_ASCII));
    return input + "." + signature;
  }

  private static VerifiedToken verify(String token) throws TokenException {
    return verifier.verify(token, Optional.of("hub"), NOW);
  }

  private static void assertRefused(Reason reason, String token) {
    assertRefused(reason, token, NOW);
  }

  private static void assertRefused(Reason reason, String token, Instant now) {
    TokenException refused =
        catchThrowableOfType(
            TokenException.class, () -> verifier.verify(token, Optional.of("hub"), now));
    assertThat(refused).as(token).isNotNull();
    assertThat(refused.reason()).as(refused.getMessage()).isEqualTo(reason);
  }

  @Test
  void aGoodTokenSaysWhatItSays() throws Exception {
    assertThat(verify(token(HEADER, CLAIMS)))
        .isEqualTo(
            new VerifiedToken(
                "spiffe://gw.example/edgeHub",
                "spiffe://gw.example",
                List.of("hub"),
                "001",
                NOW,
                NOW.plusSeconds(300),
                "k1"));
  }

  @Test
  void anyAudienceDoesWhenNoneIsAskedFor() throws Exception {
    String forOthers = token(HEADER, CLAIMS.replace("\"hub\"", "\"a\",\"b\""));
    assertThat(verifier.verify(forOthers, Optional.empty(), NOW).audience())
        .containsExactly("a", "b");
    assertThat(verify(token(HEADER, CLAIMS.replace("[\"hub\"]", "\"hub\""))).audience())
        .containsExactly("hub");
  }

  @ParameterizedTest
  @ValueSource(strings = {"[\"a\"]", "[\"hub2\"]", "\"HUB\"", "[\"hub \"]", "[\"h\",\"ub\"]"})
  void aTokenForSomebodyElseIsRefused(String audience) throws Exception {
    assertRefused(Reason.AUDIENCE, token(HEADER, CLAIMS.replace("[\"hub\"]", audience)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "None", "NONE", "HS256", "RS256", "ES384", "es256", "PS256", ""})
  void anotherAlgorithmInTheHeaderIsRefusedThoughTheSignatureIsRight(String algorithm)
      throws Exception {
    assertRefused(Reason.ALGORITHM, token(HEADER.replace("ES256", algorithm), CLAIMS));
  }

  @Test
  void algNoneWithoutSignatureIsRefused() throws Exception {
    String none = HEADER.replace("ES256", "none");
    String input = Base64URL.encode(none) + "." + Base64URL.encode(CLAIMS);
    assertRefused(Reason.ALGORITHM, input + ".");
    assertRefused(Reason.MALFORMED, input);
    assertRefused(
        Reason.MALFORMED, Base64URL.encode(HEADER) + "." + Base64URL.encode(CLAIMS) + ".");
  }

  @Test
  void anHmacMadeWithThePublicKeyIsRefused() throws Exception {
    for (byte[] secret :
        List.of(
            key.toECPublicKey().getEncoded(),
            jwks.getBytes(StandardCharsets.UTF_8),
            key.toPublicJWK().toJSONString().getBytes(StandardCharsets.UTF_8))) {
      JWSObject confused =
          new JWSObject(
              new JWSHeader.Builder(JWSAlgorithm.HS256)
                  .keyID("k1")
                  .type(JOSEObjectType.JWT)
                  .build(),
              new Payload(CLAIMS));
      confused.sign(new MACSigner(secret));
      assertRefused(Reason.ALGORITHM, confused.serialize());
      String[] parts = confused.serialize().split("\\.", -1);
      assertRefused(Reason.SIGNATURE, Base64URL.encode(HEADER) + "." + parts[1] + "." + parts[2]);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ",\"crit\":[\"exp\"]",
        ",\"crit\":[]",
        ",\"b64\":false",
        ",\"jku\":\"https://evil.example/jwks.json\"",
        ",\"jwk\":{\"kty\":\"EC\"}",
        ",\"x5u\":\"https://evil.example/c.pem\"",
        ",\"x5c\":[\"AA==\"]",
        ",\"cty\":\"JWT\"",
        ",\"zip\":\"DEF\""
      })
  void aHeaderThatWeDoNotKnowIsRefused(String more) throws Exception {
    assertRefused(Reason.MALFORMED, token(HEADER.replace("}", more + "}"), CLAIMS));
  }

  @ParameterizedTest
  @ValueSource(strings = {"at+jwt", "jwt", "", "wit+jwt", "JWT "})
  void aTokenOfAnotherTypeIsRefused(String type) throws Exception {
    assertRefused(Reason.MALFORMED, token(HEADER.replace("\"JWT\"", "\"" + type + "\""), CLAIMS));
  }

  @Test
  void aTypeIsNotRequired() throws Exception {
    assertThat(verify(token("{\"alg\":\"ES256\",\"kid\":\"k1\"}", CLAIMS)).kid()).isEqualTo("k1");
  }

  static Stream<Arguments> doubled() {
    return Stream.of(
        Arguments.of(HEADER.replace("}", ",\"alg\":\"ES256\"}"), CLAIMS),
        Arguments.of(HEADER.replace("}", ",\"kid\":\"k1\"}"), CLAIMS),
        Arguments.of(HEADER, CLAIMS.replace("}", ",\"aud\":\"hub\"}")),
        Arguments.of(HEADER, CLAIMS.replace("}", ",\"exp\":9999999999}")),
        Arguments.of(HEADER, CLAIMS.replace("}", ",\"s\\u0075b\":\"admin\"}")),
        Arguments.of(HEADER, CLAIMS.replace("}", ",\"x\":{\"a\":1,\"a\":2}}")));
  }

  @ParameterizedTest
  @MethodSource("doubled")
  void aMemberThatStandsTwiceIsRefused(String header, String payload) throws Exception {
    assertRefused(Reason.MALFORMED, token(header, payload));
  }

  static Stream<String> wrongClaims() {
    return Stream.of(
        "",
        "null",
        "[]",
        "\"x\"",
        CLAIMS + CLAIMS,
        CLAIMS + " x",
        "// c\n" + CLAIMS,
        CLAIMS.replace("\"exp\"", "\"EXP\""),
        CLAIMS.replace("\"iat\"", "\"x\""),
        CLAIMS.replace("\"jti\"", "\"x\""),
        CLAIMS.replace("\"sub\"", "\"x\""),
        CLAIMS.replace("\"iss\"", "\"x\""),
        CLAIMS.replace("\"aud\"", "\"x\""),
        CLAIMS.replace("[\"hub\"]", "[]"),
        CLAIMS.replace("[\"hub\"]", "[1,\"hub\"]"),
        CLAIMS.replace("[\"hub\"]", "{\"a\":\"hub\"}"),
        CLAIMS.replace("[\"hub\"]", "[[\"hub\"]]"),
        CLAIMS.replace("[\"hub\"]", "null"),
        CLAIMS.replace("\"001\"", "1"),
        CLAIMS.replace("\"001\"", "\"\""),
        expiring((NOW_SECONDS + 300) + ".5"),
        expiring("\"" + (NOW_SECONDS + 300) + "\""),
        expiring("1e300"),
        expiring("1E10"),
        expiring("-1"),
        expiring("99999999999999999999"),
        expiring("9223372036854775807"),
        expiring("null"),
        expiring("true"),
        expiring("NaN"),
        "[".repeat(5000),
        "{\"a\":".repeat(5000));
  }

  private static String expiring(String exp) {
    return CLAIMS.replace("\"exp\":" + (NOW_SECONDS + 300), "\"exp\":" + exp);
  }

  @ParameterizedTest
  @MethodSource("wrongClaims")
  void signedNonsenseIsMalformedAllTheSame(String payload) throws Exception {
    assertRefused(Reason.MALFORMED, token(HEADER, payload));
  }

  @Test
  void textThatIsNotUtf8IsMalformed() throws Exception {
    byte[] payload = CLAIMS.getBytes(StandardCharsets.ISO_8859_1);
    payload[10] = (byte) 0xff;
    assertRefused(Reason.MALFORMED, token(HEADER.getBytes(StandardCharsets.UTF_8), payload));
    assertRefused(
        Reason.MALFORMED,
        token(HEADER.getBytes(StandardCharsets.UTF_8), CLAIMS.getBytes(StandardCharsets.UTF_16BE)));
  }

  @Test
  void timeIsHeldToTheSecond() throws Exception {
    String token = token(HEADER, CLAIMS);
    verifier.verify(token, Optional.empty(), NOW.plusSeconds(299).plusMillis(999));
    assertRefused(Reason.EXPIRED, token, NOW.plusSeconds(300));
    assertRefused(Reason.EXPIRED, token, Instant.MAX);
    verifier.verify(token, Optional.empty(), NOW.minusSeconds(60));
    assertRefused(Reason.NOT_YET_VALID, token, NOW.minusSeconds(61));
    assertRefused(Reason.NOT_YET_VALID, token, Instant.EPOCH);
    assertRefused(
        Reason.NOT_YET_VALID,
        token(HEADER, CLAIMS.replace("}", ",\"nbf\":" + (NOW_SECONDS + 61) + "}")));
    verify(token(HEADER, CLAIMS.replace("}", ",\"nbf\":" + (NOW_SECONDS + 60) + "}")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"k2", "K1", "k1 ", "../k1", "' OR 1=1 --"})
  void aKeyThatIsNotInTheSetIsUnknown(String kid) throws Exception {
    assertRefused(Reason.UNKNOWN_KEY, token(HEADER.replace("k1", kid), CLAIMS));
  }

  @Test
  void aSignatureOfAnotherKeyUnderThisIdIsRefused() throws Exception {
    ECKey other = new ECKeyGenerator(Curve.P_256).keyID("k1").generate();
    JWSObject forged =
        new JWSObject(
            new JWSHeader.Builder(JWSAlgorithm.ES256).keyID("k1").type(JOSEObjectType.JWT).build(),
            new Payload(CLAIMS));
    forged.sign(new ECDSASigner(other));
    assertRefused(Reason.SIGNATURE, forged.serialize());
  }

  @Test
  void signaturesOfZerosAndOfOtherLengthsAreRefused() throws Exception {
    String good = token(HEADER, CLAIMS);
    String input = good.substring(0, good.lastIndexOf('.') + 1);
    byte[] order = Base64URL.from("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE").decode();
    byte[] ofOrders = new byte[64];
    System.arraycopy(order, 0, ofOrders, 0, 32);
    System.arraycopy(order, 0, ofOrders, 32, 32);
    for (byte[] signature :
        List.of(new byte[64], ofOrders, new byte[63], new byte[65], new byte[1], new byte[128])) {
      assertRefused(Reason.SIGNATURE, input + Base64URL.encode(signature));
    }
    // The DER form of the same signature, which some libraries take.
    byte[] concat = Base64URL.from(good.substring(good.lastIndexOf('.') + 1)).decode();
    byte[] der = ECDSA.transcodeSignatureToDER(concat);
    assertRefused(Reason.SIGNATURE, input + Base64URL.encode(der));
  }

  @Test
  void changingAnyCharacterOfAGoodTokenRefusesIt() throws Exception {
    String good = token(HEADER, CLAIMS);
    String alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (int at = 0; at < good.length(); at++) {
      char old = good.charAt(at);
      // The next letter changes the last bit only, which in the last place may be one of padding.
      char next = alphabet.charAt((alphabet.indexOf(old) + 1) % alphabet.length());
      for (char c : new char[] {next, (char) (old ^ 1), '.', '=', '+', '/', ' ', '\0', 'é'}) {
        if (c != old) {
          String changed = good.substring(0, at) + c + good.substring(at + 1);
          assertThat(catchThrowableOfType(TokenException.class, () -> verify(changed)))
              .as(changed)
              .isNotNull();
        }
      }
    }
  }

  @Test
  void aTokenInAnyOtherSpellingIsRefused() throws Exception {
    String good = token(HEADER, CLAIMS);
    String[] parts = good.split("\\.", -1);
    char last = good.charAt(good.length() - 1);
    // 64 octets leave four bits of the last character unused: 15 other spellings of the same.
    int refused = 0;
    for (char c :
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".toCharArray()) {
      if (c != last) {
        String other = good.substring(0, good.length() - 1) + c;
        assertThat(catchThrowableOfType(TokenException.class, () -> verify(other))).isNotNull();
        refused++;
      }
    }
    assertThat(refused).isEqualTo(63);
    for (String other :
        List.of(
            good + "=",
            good + "==",
            good + ".",
            "." + good,
            good + "\n",
            " " + good,
            good + "." + parts[2],
            parts[0] + "=." + parts[1] + "." + parts[2],
            parts[0] + ".." + parts[1] + "." + parts[2],
            "",
            ".",
            "..",
            "...")) {
      assertRefused(Reason.MALFORMED, other);
    }
  }

  @Test
  void whatIsTooLongIsRefusedUnread() throws Exception {
    assertRefused(Reason.MALFORMED, "a".repeat(TokenVerifier.LONGEST_TOKEN + 1));
    String padded = CLAIMS.replace("\"hub\"", "\"hub\",\"" + "x".repeat(11_800) + "\"");
    assertThat(token(HEADER, padded)).hasSizeLessThanOrEqualTo(TokenVerifier.LONGEST_TOKEN);
    assertThat(verify(token(HEADER, padded)).audience()).hasSize(2);
    assertThat(
            catchThrowableOfType(
                TokenException.class,
                () -> TokenVerifier.of(jwks + " ".repeat(TokenVerifier.LARGEST_JWKS))))
        .isNotNull();
  }

  static Stream<String> wrongKeySets() {
    String mine = key.toPublicJWK().toJSONString();
    return Stream.of(
        "",
        "null",
        "[]",
        "{}",
        "{\"keys\":{}}",
        "{\"keys\":null}",
        mine,
        jwks + jwks,
        "{\"keys\":[],\"keys\":[" + mine + "]}",
        "{\"keys\":[" + mine + "," + mine + "]}",
        "{\"keys\":[" + key.toJSONString() + "]}",
        "{\"keys\":[" + mine.replace("\"x\":\"", "\"x\":\"AA") + "]}",
        "{\"keys\":[" + mine.replaceAll("\"x\":\"[^\"]*\"", "\"x\":\"\"") + "]}",
        "{\"keys\":[" + mine.replaceAll("\"y\":\"[^\"]*\"", "\"y\":1") + "]}",
        "{\"keys\":[" + mine.replaceAll("\"y\":\"[^\"]*\"", "\"y\":\"%%\"") + "]}",
        // A point that is on no curve of ours (CVE-2015-7940 and its kin).
        "{\"keys\":["
            + mine.replaceAll("\"y\":\"[^\"]*\"", "\"y\":\"" + "A".repeat(42) + "E\"")
            + "]}");
  }

  @ParameterizedTest
  @MethodSource("wrongKeySets")
  void aKeySetThatIsNoneOrHidesSomethingIsRefused(String wrong) {
    TokenException refused =
        catchThrowableOfType(TokenException.class, () -> TokenVerifier.of(wrong));
    assertThat(refused).as(wrong).isNotNull();
    assertThat(refused.reason()).isEqualTo(Reason.MALFORMED);
  }

  @Test
  void keysForOtherThingsArePassedOver() throws Exception {
    String mine = key.toPublicJWK().toJSONString();
    for (Map.Entry<String, String> other :
        Map.of(
                "\"use\":\"sig\"", "\"use\":\"enc\"",
                "\"kty\":\"EC\"", "\"kty\":\"oct\",\"k\":\"AAAA\"",
                "\"crv\":\"P-256\"", "\"crv\":\"P-384\"",
                "\"kid\":\"k1\"", "\"kid\":1",
                "\"kid\":", "\"alg\":\"ES384\",\"kid\":")
            .entrySet()) {
      String changed = mine.replace(other.getKey(), other.getValue());
      assertThat(changed).isNotEqualTo(mine);
      TokenVerifier without = TokenVerifier.of("{\"keys\":[" + changed + ",1,null,\"x\",[]]}");
      TokenException refused =
          catchThrowableOfType(
              TokenException.class,
              () -> without.verify(token(HEADER, CLAIMS), Optional.empty(), NOW));
      assertThat(refused.reason()).as(changed).isEqualTo(Reason.UNKNOWN_KEY);
    }
  }

  @Test
  void ourOwnTokensVerifyAndEndWhenTheySayTheyEnd(@TempDir Path folder) throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      IssuedToken issued = ca.token(TokensTest.grant("hub", "b"), TokensTest.request("b", "hub"));
      TokenVerifier ours = TokenVerifier.of(ca.ca().tokens().jwks());
      VerifiedToken verified = ours.verify(issued.token(), Optional.of("hub"), TestCa.NOW);
      assertThat(verified.id()).isEqualTo(issued.id());
      assertThat(verified.expiresAt()).isEqualTo(issued.expiresAt());
      assertThat(verified.audience()).containsExactly("b", "hub");
      assertThat(verified.subject()).isEqualTo(TestCa.SPIFFE_ID);
      assertThat(
              catchThrowableOfType(
                      TokenException.class,
                      () ->
                          ours.verify(
                              issued.token(),
                              Optional.empty(),
                              issued.expiresAt().plus(Duration.ofNanos(1))))
                  .reason())
          .isEqualTo(Reason.EXPIRED);
    }
  }
}
