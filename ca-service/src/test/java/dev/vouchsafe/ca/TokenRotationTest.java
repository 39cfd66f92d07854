package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jwt.SignedJWT;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyLabel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which key signs when, and that nobody ever meets a key that was not announced. */
class TokenRotationTest {
  private static final Duration MONTH = Duration.ofDays(30);
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Grant GRANT = TokensTest.grant("hub");

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

  /** The key id of a token issued now, which must verify with what was published before. */
  private String sign() throws Exception {
    Set<String> published = kids(Files.readString(file()));
    IssuedToken issued = ca.token(GRANT, TokensTest.request("hub"));
    String kid = SignedJWT.parse(issued.token()).getHeader().getKeyID();
    assertThat(published).contains(kid);
    verify(issued);
    return kid;
  }

  private void verify(IssuedToken issued) throws Exception {
    for (String keys : List.of(ca.ca().tokens().jwks(), Files.readString(file()))) {
      TokenVerifier.of(keys).verify(issued.token(), Optional.of("hub"), ca.clock.instant());
    }
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
    String jwks = ca.ca().tokens().jwks();
    assertThat(kids(Files.readString(file()))).containsAll(kids(jwks));
    return kids(jwks);
  }

  private String nextOf(String active) throws Exception {
    Set<String> others = new HashSet<>(published());
    others.remove(active);
    return others.iterator().next();
  }

  private void pass(Duration time) {
    ca.clock.pass(time);
  }

  @Test
  void theAnnouncedKeyTakesOverAfterThirtyDaysAndNotBefore() throws Exception {
    String first = sign();
    String second = nextOf(first);
    pass(MONTH.minusSeconds(1));
    assertThat(sign()).isEqualTo(first);
    assertThat(published()).containsExactlyInAnyOrder(first, second);
    pass(Duration.ofSeconds(1));
    assertThat(sign()).isEqualTo(second);
    assertThat(published()).hasSize(3).contains(first, second);
  }

  @Test
  void aTokenOfTheOldKeyVerifiesUntilItsEndAndThenTheKeyGoes() throws Exception {
    pass(MONTH.minusSeconds(10));
    IssuedToken last =
        ca.token(GRANT, new TokenRequest(List.of("hub"), Optional.of(Duration.ofHours(24))));
    String first = SignedJWT.parse(last.token()).getHeader().getKeyID();
    pass(Duration.ofSeconds(20));
    sign();
    verify(last);
    pass(Duration.ofHours(24).minusSeconds(21));
    verify(last);
    assertThat(published()).contains(first);
    pass(Duration.ofDays(3));
    assertThat(published()).doesNotContain(first).hasSize(2);
  }

  @Test
  void aClockThatJumpsForthAndBackLosesNoKey() throws Exception {
    String first = sign();
    IssuedToken token = ca.token(GRANT, TokensTest.request("hub"));
    ca.clock.set(TestCa.NOW.plus(Duration.ofDays(4000)));
    ca.clock.passUnseen(HOUR);
    String second = sign();
    assertThat(second).isNotEqualTo(first);
    ca.reopen();
    sign();
    ca.clock.set(TestCa.NOW.plusSeconds(5));
    sign();
    verify(token);
    ca.reopen();
    verify(token);
    ca.clock.set(TestCa.NOW.minus(Duration.ofDays(4000)));
    assertThat(sign()).isEqualTo(second);
    assertThat(published()).contains(first, second);
  }

  @Test
  void aYearOfRotationsAlwaysHasANextKeyThatWasAnnouncedLongBefore() throws Exception {
    String active = sign();
    Instant announced = ca.clock.instant();
    String next = nextOf(active);
    Set<String> seen = new HashSet<>(Set.of(active));
    while (ca.clock.instant().isBefore(TestCa.NOW.plus(Duration.ofDays(366)))) {
      pass(Duration.ofHours(67));
      if (ca.clock.instant().getEpochSecond() / 3600 % 5 == 0) {
        ca.reopen();
      }
      String signing = sign();
      if (!signing.equals(active)) {
        assertThat(signing).isEqualTo(next);
        assertThat(ca.clock.instant()).isAfterOrEqualTo(announced.plus(MONTH));
        assertThat(seen.add(signing)).isTrue();
        Set<String> fresh = published();
        fresh.removeAll(seen);
        assertThat(fresh).hasSize(1);
        active = signing;
        next = fresh.iterator().next();
        announced = ca.clock.instant();
      }
    }
    assertThat(seen).hasSizeBetween(11, 13);
  }

  @Test
  void keysSurviveARestart() throws Exception {
    String first = sign();
    Set<String> before = published();
    ca.reopen();
    assertThat(sign()).isEqualTo(first);
    assertThat(published()).isEqualTo(before);
  }

  @Test
  void whatIsOverAtTheStartIsRotatedAtTheStart() throws Exception {
    String first = sign();
    String second = nextOf(first);
    ca.ca().close();
    pass(Duration.ofDays(90));
    ca.reopen();
    assertThat(published()).hasSize(3).contains(first, second);
    assertThat(sign()).isEqualTo(second);
  }

  @Test
  void aMissingOrChangedFileIsWrittenAnewAtTheStart() throws Exception {
    String good = Files.readString(file());
    Files.delete(file());
    ca.reopen();
    assertThat(file()).hasContent(good);
    Files.writeString(file(), good.replace("P-256", "P-257"));
    Files.writeString(file().resolveSibling("jwks.json.new"), "left over by a crash");
    ca.reopen();
    assertThat(file()).hasContent(good);
    assertThat(file().resolveSibling("jwks.json.new")).doesNotExist();
  }

  @Test
  void withoutTheStoreTheAnnouncedKeyTakesOverAndTheNextIsMadeWhenItIsBack() throws Exception {
    String first = sign();
    String second = nextOf(first);
    ca.store.setAway(true);
    pass(MONTH);
    assertThat(sign()).isEqualTo(second);
    assertThat(published()).containsExactlyInAnyOrder(first, second);
    // Long over again, and still no other key was announced.
    pass(MONTH.plus(MONTH));
    assertThat(sign()).isEqualTo(second);
    ca.store.setAway(false);
    pass(Duration.ofSeconds(10));
    assertThat(sign()).isEqualTo(second);
    String third = nextOf(second);
    pass(HOUR.minusSeconds(1));
    assertThat(sign()).as("not announced for an hour yet").isEqualTo(second);
    pass(Duration.ofSeconds(10));
    assertThat(sign()).isEqualTo(third);
  }

  @Test
  void aStoreThatIsAwayIsNotAskedForEachToken() throws Exception {
    sign();
    pass(MONTH);
    List<KeyLabel> asked = new ArrayList<>();
    ca.store.beforeSealing(purpose -> {
      asked.add(purpose);
      throw new KeyFault.Unavailable("unplugged by the test");
    });
    for (int i = 0; i < 50; i++) {
      sign();
    }
    assertThat(asked).hasSize(1);
    pass(Duration.ofSeconds(6));
    sign();
    sign();
    assertThat(asked).hasSize(2);
  }

  @Test
  void oneWhoWaitsForTheStoreHoldsNobodyElseUp() throws Exception {
    String first = sign();
    pass(MONTH);
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch answer = new CountDownLatch(1);
    ca.store.beforeSealing(purpose -> {
      asked.countDown();
      await(answer);
    });
    CompletableFuture<String> slow =
        CompletableFuture.supplyAsync(() -> quietly(this::sign), ca.executor);
    await(asked);
    for (int i = 0; i < 20; i++) {
      assertThat(sign()).isEqualTo(first);
    }
    answer.countDown();
    assertThat(slow.join()).isNotEqualTo(first);
    assertThat(sign()).isEqualTo(slow.join());
  }

  private interface Call {
    String run() throws Exception;
  }

  private static String quietly(Call call) {
    try {
      return call.run();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void manyThreadsAtTheMomentOfRotationMakeOneRotation() throws Exception {
    sign();
    pass(MONTH);
    List<CompletableFuture<String>> all = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      all.add(CompletableFuture.supplyAsync(() -> quietly(this::sign)));
    }
    all.forEach(CompletableFuture::join);
    assertThat(published()).hasSize(3);
  }

  @Test
  void aStoreThatIsAwayAtTheStartIsUnsealedAtFirstUse() throws Exception {
    String first = sign();
    String jwks = ca.ca().tokens().jwks();
    ca.store.setAway(true);
    ca.reopen();
    assertThat(ca.ca().tokens().jwks()).as("public keys need no store").isEqualTo(jwks);
    Refusals.assertRefused(
        Reason.KEY_STORE_UNAVAILABLE, () -> ca.token(GRANT, TokensTest.request("hub")));
    ca.store.setAway(false);
    assertThat(sign()).isEqualTo(first);
  }

  @Test
  void whileOneUnsealsTheOthersAreToldUnavailableAtOnce() throws Exception {
    ca.store.setAway(true);
    ca.reopen();
    ca.store.setAway(false);
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch answer = new CountDownLatch(1);
    ca.store.beforeSealing(purpose -> {
      asked.countDown();
      await(answer);
    });
    CompletableFuture<String> slow =
        CompletableFuture.supplyAsync(() -> quietly(this::sign), ca.executor);
    await(asked);
    Refusals.assertRefused(
        Reason.KEY_STORE_UNAVAILABLE, () -> ca.token(GRANT, TokensTest.request("hub")));
    answer.countDown();
    assertThat(slow.join()).isNotEmpty();
  }

  @Test
  void aTokenKeyThatCannotBeUnsealedStopsTheStartAndIsNeverReplaced() throws Exception {
    Set<String> before = published();
    ca.store.beforeSealing(purpose -> {
      if (purpose.parts().getFirst().equals("token-key")) {
        throw new KeyFault.Failed("sealed by another store");
      }
    });
    ca.ca().close();
    assertThatThrownBy(ca::reopen)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("sealed by another store")
        .hasMessageContaining("restore a backup");
    ca.store.beforeSealing(purpose -> {});
    ca.reopen();
    assertThat(published()).isEqualTo(before);
  }

  @Test
  void exchangedSealedKeysAreFoundOut() throws Exception {
    ca.ca().close();
    LedgerPeek.execute(
        ca.settings.directory(), "CREATE TABLE saved AS SELECT kid, sealed FROM token_key");
    LedgerPeek.execute(
        ca.settings.directory(),
        "UPDATE token_key SET sealed = (SELECT sealed FROM saved WHERE saved.kid <> token_key.kid)");
    assertThatThrownBy(ca::reopen).isInstanceOf(IOException.class);
    LedgerPeek.execute(
        ca.settings.directory(),
        "UPDATE token_key SET sealed = (SELECT sealed FROM saved WHERE saved.kid = token_key.kid)");
    ca.reopen();
    sign();
    ca.ca().close();
    LedgerPeek.execute(ca.settings.directory(), "UPDATE token_key SET spki = zeroblob(91)");
    assertThatThrownBy(ca::reopen).isInstanceOf(IOException.class);
    LedgerPeek.execute(
        ca.settings.directory(), "UPDATE token_key SET state = 'retired' WHERE state = 'active'");
    assertThatThrownBy(ca::reopen).isInstanceOf(IOException.class);
  }

  @Test
  void whereTheLedgerTakesNoKeyTheOldOneGoesOnAndTheRotationComesLater() throws Exception {
    String first = sign();
    String second = nextOf(first);
    ca.ca().close();
    LedgerPeek.execute(
        ca.settings.directory(),
        "CREATE TRIGGER refuse BEFORE INSERT ON token_key"
            + " BEGIN SELECT RAISE(ABORT, 'refused by the test'); END");
    ca.reopen();
    pass(MONTH);
    assertThat(sign()).isEqualTo(first);
    assertThat(kids(ca.ca().tokens().jwks())).containsExactlyInAnyOrder(first, second);
    pass(Duration.ofSeconds(10));
    assertThat(sign()).as("in doubt, read anew, and refused again").isEqualTo(first);
    ca.ca().close();
    LedgerPeek.execute(ca.settings.directory(), "DROP TRIGGER refuse");
    ca.reopen();
    assertThat(sign()).isEqualTo(second);
    assertThat(published()).hasSize(3);
    ca.reopen();
    assertThat(sign()).isEqualTo(second);
  }

  @Test
  void whereTheKeysCannotBePublishedNothingIsSignedByThem() throws Exception {
    String first = sign();
    // A folder in the way of the file: neither can be replaced by the other.
    Path way = file().resolveSibling("jwks.json.new");
    Files.createDirectories(way.resolve("in the way"));
    pass(MONTH);
    assertThat(sign()).as("the announced one goes on").isEqualTo(first);
    assertThat(ca.ca().tokens().jwks()).isEqualTo(Files.readString(file()));
    Files.delete(file());
    ca.reopen();
    Refusals.assertRefused(
        Reason.LEDGER_UNAVAILABLE, () -> ca.token(GRANT, TokensTest.request("hub")));
    assertThat(ca.ca().tokens().jwks()).contains(first);
    Files.delete(way.resolve("in the way"));
    Files.delete(way);
    assertThat(ca.token(GRANT, TokensTest.request("hub")).id()).isNotEmpty();
    assertThat(sign()).isNotEqualTo(first);
  }

  @Test
  void noPrivateTokenKeyIsInAnyFile() throws Exception {
    sign();
    ca.ca().close();
    for (byte[] secret : TokenSecrets.scalars(ca)) {
      assertThat(secret).hasSize(32);
      assertThat(SecretGrep.filesWith(folder, secret)).isEmpty();
    }
    ca.reopen();
  }
}
