package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jwt.SignedJWT;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
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
    IssuedToken issued =
        ca.ca().tokens().issue(grant("hub.example", "other"), request("hub.example"));

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
}
