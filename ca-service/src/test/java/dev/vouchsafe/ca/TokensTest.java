package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jwt.SignedJWT;
import dev.vouchsafe.ca.IssuanceException.Reason;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a token says, read by the library's own parser. */
class TokensTest {
  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.in(folder);
  }

  @AfterEach
  void close() {
    ca.close();
  }

  static Grant grant(String... audiences) {
    return new Grant(
        "edgeHub",
        "1",
        Set.of(),
        List.of(),
        List.of(),
        Optional.of(TestCa.SPIFFE_ID),
        Optional.empty(),
        List.of(audiences),
        Optional.empty());
  }

  static TokenRequest request(String... audience) {
    return new TokenRequest(List.of(audience), Optional.empty());
  }

  @Test
  void aTokenSaysWhatItShouldAndNothingElse() throws Exception {
    IssuedToken issued = ca.token(grant("hub.example", "other"), request("hub.example"));

    SignedJWT token = SignedJWT.parse(issued.token());
    JWK key = JWKSet.parse(ca.ca().tokens().jwks()).getKeyByKeyId(token.getHeader().getKeyID());
    assertThat(token.verify(new ECDSAVerifier(key.toECKey()))).isTrue();
    assertThat(token.getHeader().toJSONObject())
        .containsOnlyKeys("alg", "kid", "typ")
        .containsEntry("alg", "ES256")
        .containsEntry("typ", "JWT")
        .containsEntry("kid", key.computeThumbprint().toString());
    long now = TestCa.NOW.getEpochSecond();
    assertThat(token.getPayload().toJSONObject())
        .containsOnlyKeys("iss", "sub", "aud", "iat", "exp", "jti")
        .containsEntry("iss", "spiffe://gw.example")
        .containsEntry("sub", TestCa.SPIFFE_ID)
        .containsEntry("aud", List.of("hub.example"))
        .containsEntry("iat", now)
        .containsEntry("exp", now + 300)
        .containsEntry("jti", issued.id());
    assertThat(issued.id()).matches("[0-9a-f]{27}");
    assertThat(issued.expiresAt())
        .isEqualTo(TestCa.NOW.truncatedTo(ChronoUnit.SECONDS).plus(Duration.ofMinutes(5)));
    assertThat(issued.toString()).doesNotContain(issued.token());
  }

  @Test
  void theFileHasTheKeysBeforeTheFirstToken() throws Exception {
    Path file = ca.settings.directory().resolve("jwks.json");
    assertThat(Files.readString(file)).isEqualTo(ca.ca().tokens().jwks());
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-r--r--");
    assertThat(JWKSet.parse(ca.ca().tokens().jwks()).getKeys())
        .hasSize(2)
        .allSatisfy(key -> {
          assertThat(key.toJSONObject())
              .containsOnlyKeys("kty", "crv", "x", "y", "kid", "alg", "use")
              .containsEntry("alg", "ES256")
              .containsEntry("use", "sig");
          assertThat(key.isPrivate()).isFalse();
        });
  }

  private IssuedToken issue(Grant grant, Optional<Duration> ttl, String... audience)
      throws IssuanceException {
    return ca.token(grant, new TokenRequest(List.of(audience), ttl));
  }

  private static Grant grantFor(Duration ttl) {
    return new Grant(
        "a module, with 'signs' <&>",
        "1",
        Set.of(),
        List.of(),
        List.of(),
        Optional.empty(),
        Optional.empty(),
        List.of("hub"),
        Optional.of(ttl));
  }

  private static long life(IssuedToken issued) {
    return issued.expiresAt().getEpochSecond() - TestCa.NOW.getEpochSecond();
  }

  @Test
  void aModuleWithoutSpiffeIdIsNamedAsItIs() throws Exception {
    IssuedToken issued = issue(grantFor(Duration.ofHours(1)), Optional.empty(), "hub");
    assertThat(SignedJWT.parse(issued.token()).getJWTClaimsSet().getSubject())
        .isEqualTo("a module, with 'signs' <&>");
  }

  @Test
  void lifetimesOverTheCapAreShortenedAndNotRefused() throws Exception {
    Grant unlimited = grant("hub");
    Grant minute = grantFor(Duration.ofMinutes(1));
    assertThat(life(issue(unlimited, Optional.empty(), "hub"))).isEqualTo(300);
    assertThat(life(issue(unlimited, Optional.of(Duration.ofSeconds(1)), "hub"))).isEqualTo(1);
    assertThat(life(issue(unlimited, Optional.of(Duration.ofMillis(2999)), "hub"))).isEqualTo(2);
    assertThat(life(issue(unlimited, Optional.of(Duration.ofDays(2)), "hub"))).isEqualTo(86_400);
    assertThat(life(issue(unlimited, Optional.of(Duration.ofSeconds(Long.MAX_VALUE)), "hub")))
        .isEqualTo(86_400);
    assertThat(life(issue(minute, Optional.empty(), "hub"))).isEqualTo(60);
    assertThat(life(issue(minute, Optional.of(Duration.ofHours(1)), "hub"))).isEqualTo(60);
    assertThat(life(issue(grantFor(Duration.ofDays(9)), Optional.empty(), "hub"))).isEqualTo(300);
  }

  @Test
  void aTokenThatWouldNotLiveIsInvalid() {
    for (Duration ttl :
        List.of(
            Duration.ZERO,
            Duration.ofMillis(999),
            Duration.ofSeconds(-1),
            Duration.ofSeconds(Long.MIN_VALUE))) {
      Refusals.assertRefused(
          Reason.REQUEST_INVALID, () -> issue(grant("hub"), Optional.of(ttl), "hub"));
    }
  }

  @Test
  void renewalIsDueAroundHalfOfTheLife() throws Exception {
    for (int i = 0; i < 50; i++) {
      IssuedToken issued = issue(grant("hub"), Optional.of(Duration.ofHours(1)), "hub");
      assertThat(Duration.between(TestCa.NOW.truncatedTo(ChronoUnit.SECONDS), issued.renewAfter()))
          .isBetween(Duration.ofMinutes(27), Duration.ofMinutes(33));
    }
  }

  @Test
  void manyAudiencesStandInTheOrderAskedForAndOnce() throws Exception {
    IssuedToken issued = issue(grant("a", "b", "c"), Optional.empty(), "c", "a", "c", "c", "a");
    assertThat(SignedJWT.parse(issued.token()).getJWTClaimsSet().getAudience())
        .containsExactly("c", "a");
  }

  @Test
  void anAudienceThatIsNotGrantedIsNamedAndNothingIsReserved() throws Exception {
    for (String asked :
        List.of("evil", "HUB.example", "hub.example ", "hub.example.", "*", "hub")) {
      assertThatThrownBy(() -> issue(grant("hub.example"), Optional.empty(), "hub.example", asked))
          .isInstanceOfSatisfying(
              IssuanceException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.AUDIENCE_NOT_GRANTED))
          .hasMessageContaining("\"" + asked + "\"");
    }
    Refusals.assertRefused(
        Reason.AUDIENCE_NOT_GRANTED, () -> issue(grant(), Optional.empty(), "hub"));
    assertThat(LedgerPeek.count(ca.settings.directory(), "token_block")).isZero();
  }

  @Test
  void audiencesThatNobodyCanReadAreInvalidEvenIfGranted() {
    for (String odd :
        List.of(
            "",
            "a\nb",
            "a\u0000",
            "\u001b[31mred",
            "\u202egnp.exe",
            "\ud800",
            "\u2028",
            "\ufeff",
            "x".repeat(257))) {
      Refusals.assertRefused(
          Reason.REQUEST_INVALID, () -> issue(grant(odd), Optional.empty(), odd));
    }
  }

  @Test
  void oneToSixteenAudiencesOfUpTo256Characters() throws Exception {
    String[] sixteen = new String[16];
    for (int i = 0; i < sixteen.length; i++) {
      sixteen[i] = ("é\"😀 " + i + "x".repeat(256)).substring(0, 256);
    }
    IssuedToken issued = issue(grant(sixteen), Optional.empty(), sixteen);
    VerifiedToken verified =
        TokenVerifier.of(ca.ca().tokens().jwks())
            .verify(issued.token(), Optional.of(sixteen[7]), TestCa.NOW);
    assertThat(verified.audience()).containsExactly(sixteen);
    String[] seventeen = new String[17];
    Arrays.fill(seventeen, "hub");
    Refusals.assertRefused(
        Reason.REQUEST_INVALID, () -> issue(grant("hub"), Optional.empty(), seventeen));
    Refusals.assertRefused(Reason.REQUEST_INVALID, () -> issue(grant("hub"), Optional.empty()));
    String[] large = new String[16];
    for (int i = 0; i < large.length; i++) {
      large[i] = "€".repeat(240 + i);
    }
    Refusals.assertRefused(
        Reason.REQUEST_INVALID, () -> issue(grant(large), Optional.empty(), large));
    String[] quotes = new String[16];
    for (int i = 0; i < quotes.length; i++) {
      quotes[i] = "\"".repeat(241 + i);
    }
    assertThat(issue(grant(quotes), Optional.empty(), quotes).token())
        .hasSizeLessThan(TokenVerifier.LONGEST_TOKEN);
  }
}
