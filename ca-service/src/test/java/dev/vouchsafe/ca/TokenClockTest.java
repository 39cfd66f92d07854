package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jwt.SignedJWT;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Token keys under a clock that jumps: none is lost, none signs too early, none stays for ever. */
class TokenClockTest {
  private static final Duration MONTH = Duration.ofDays(30);
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Instant FAR = Instant.parse("2099-01-01T00:00:00Z");

  /** What a clock without a battery says after it lost its power. */
  private static final Instant UNSET = Instant.parse("1970-01-01T00:00:10Z");

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

  private String sign() throws Exception {
    Set<String> published = kids(Files.readString(file()));
    IssuedToken issued = ca.token(TokensTest.grant("hub"), TokensTest.request("hub"));
    String kid = SignedJWT.parse(issued.token()).getHeader().getKeyID();
    assertThat(published).contains(kid);
    return kid;
  }

  private Path file() {
    return ca.settings.directory().resolve("jwks.json");
  }

  private static Set<String> kids(String jwks) throws Exception {
    Set<String> kids = new HashSet<>();
    for (JWK key : JWKSet.parse(jwks).getKeys()) {
      kids.add(key.getKeyID());
    }
    return kids;
  }

  private Set<String> published() throws Exception {
    Set<String> kids = kids(ca.ca().tokens().jwks());
    assertThat(kids(Files.readString(file()))).containsAll(kids);
    return kids;
  }

  /** The clock is far ahead for so long that a rotation happens. */
  private void rotateInTheFuture() throws Exception {
    String first = sign();
    ca.clock.set(FAR);
    sign();
    ca.clock.pass(HOUR);
    assertThat(sign()).isNotEqualTo(first);
  }

  @Test
  void aRotationOfTheFarFutureIsFollowedByTheNextAfterAMonth() throws Exception {
    rotateInTheFuture();
    ca.clock.set(TestCa.NOW.plus(HOUR));
    String second = sign();
    ca.clock.pass(MONTH.minusMinutes(1));
    assertThat(sign()).isEqualTo(second);
    ca.clock.pass(Duration.ofMinutes(2));
    assertThat(sign()).isNotEqualTo(second);
    assertThat(LedgerPeek.count(ca.settings.directory(), "token_key")).isEqualTo(4);
  }

  @Test
  void theSameAcrossRestarts() throws Exception {
    rotateInTheFuture();
    ca.reopen();
    ca.clock.set(TestCa.NOW.plus(HOUR));
    ca.reopen();
    String second = sign();
    for (int day = 0; day < 30; day += 3) {
      assertThat(sign()).isEqualTo(second);
      ca.clock.pass(Duration.ofDays(3));
      ca.reopen();
    }
    assertThat(sign()).isNotEqualTo(second);
    ca.clock.pass(HOUR);
    assertThat(published()).hasSizeGreaterThanOrEqualTo(3);
  }

  @Test
  void aClockThatRunsAheadByMinutesIsLeftAlone() throws Exception {
    sign();
    ca.clock.set(TestCa.NOW.minus(Duration.ofMinutes(4)));
    sign();
    ca.clock.set(TestCa.NOW.plus(MONTH).minusSeconds(30));
    String first = sign();
    ca.clock.set(TestCa.NOW.plus(MONTH));
    ca.clock.passUnseen(HOUR);
    assertThat(sign()).isNotEqualTo(first);
  }

  @Test
  void aKeyThatWasPublishedAMomentAgoDoesNotSignBecauseTheClockJumped() throws Exception {
    ca.clock.pass(MONTH);
    String second = sign();
    ca.clock.set(ca.clock.instant().plus(Duration.ofDays(4000)));
    assertThat(sign()).isEqualTo(second);
    ca.clock.passUnseen(HOUR.minusSeconds(10));
    assertThat(sign()).isEqualTo(second);
    ca.clock.passUnseen(Duration.ofSeconds(10));
    assertThat(sign()).isNotEqualTo(second);
  }

  @Test
  void aKeyThatWasMadeIn1970DoesNotSignAfterARestartBeforeAnHourPassed() throws Exception {
    // The first key's time is counted from 1970 as well, since the clock went back.
    ca.clock.pass(MONTH);
    sign();
    ca.clock.set(UNSET);
    String active = sign();
    ca.clock.set(TestCa.NOW.plus(MONTH));
    ca.reopen();
    assertThat(sign()).isEqualTo(active);
    ca.clock.pass(HOUR.minusSeconds(10));
    assertThat(sign()).isEqualTo(active);
    ca.clock.pass(Duration.ofSeconds(10));
    assertThat(sign()).isNotEqualTo(active);
  }

  @Test
  void aGatewayThatIsMadeIn1970RotatesNoEarlier(@TempDir Path other) throws Exception {
    try (TestCa unset = TestCa.in(other)) {
      unset.ca().close();
      LedgerPeek.execute(
          unset.settings.directory(),
          "UPDATE token_key SET created = 10, activated = activated - activated + 10");
      unset.clock.set(TestCa.NOW);
      unset.reopen();
      String first = kid(unset);
      unset.clock.pass(HOUR.minusSeconds(10));
      assertThat(kid(unset)).isEqualTo(first);
      unset.clock.pass(Duration.ofSeconds(10));
      assertThat(kid(unset)).isNotEqualTo(first);
    }
  }

  private static String kid(TestCa ca) throws Exception {
    IssuedToken issued = ca.token(TokensTest.grant("hub"), TokensTest.request("hub"));
    return SignedJWT.parse(issued.token()).getHeader().getKeyID();
  }

  @Test
  void aClockAheadTakesNoRetiredKeyOutBeforeItsTokensHaveReallyEnded() throws Exception {
    ca.clock.pass(MONTH.minus(HOUR));
    String first = sign();
    ca.clock.pass(HOUR);
    String second = sign();
    ca.clock.set(FAR);
    assertThat(published()).contains(first, second);
    ca.reopen();
    assertThat(published()).contains(first, second);
    ca.clock.passUnseen(Duration.ofHours(25));
    sign();
    assertThat(published()).doesNotContain(first).contains(second);
    // Back in time it is there again, also in the file.
    ca.clock.set(TestCa.NOW.plus(MONTH));
    sign();
    assertThat(published()).contains(first);
  }
}
