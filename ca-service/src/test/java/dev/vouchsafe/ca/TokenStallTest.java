package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jwt.SignedJWT;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.KeyLedger.KeyState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk that does not answer: nobody waits for it on a thread, or for ever. */
class TokenStallTest {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Duration SHORT = Duration.ofMillis(500);
  private static final Grant GRANT = TokensTest.grant("hub");
  private static final TokenRequest REQUEST = TokensTest.request("hub");

  @TempDir Path folder;
  private TestCa ca;
  private final StalledDisk disk = new StalledDisk();

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.in(folder);
  }

  @AfterEach
  void close() {
    disk.release();
    ca.close();
  }

  private static Grant grantOf(String module) {
    return new Grant(
        module,
        "1",
        Set.of(),
        List.of(),
        List.of(),
        Optional.empty(),
        Optional.empty(),
        List.of("hub"),
        Optional.empty());
  }

  private List<CompletableFuture<IssuedToken>> ask(int count, int modules) {
    return IntStream.range(0, count)
        .mapToObj(i -> ca.ca().tokens().issue(grantOf("module" + i % modules), REQUEST))
        .toList();
  }

  private static void assertUnavailable(CompletableFuture<IssuedToken> answer) {
    assertThatThrownBy(() -> answer.get(30, TimeUnit.SECONDS))
        .cause()
        .isInstanceOfSatisfying(
            IssuanceException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.LEDGER_UNAVAILABLE));
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).isLessThan(end);
      Thread.onSpinWait();
    }
  }

  @Test
  void aStalledDiskHoldsNoWorkerAndAllWhoWaitGetTheirIds() throws Exception {
    ca.reopen(disk, LONG);
    disk.stall();
    // From as many workers as there are; each would be held by the first it asks for.
    List<CompletableFuture<List<CompletableFuture<IssuedToken>>>> workers =
        IntStream.range(0, 2)
            .mapToObj(i -> CompletableFuture.supplyAsync(() -> ask(200, 40), ca.executor))
            .toList();
    List<CompletableFuture<IssuedToken>> all = new ArrayList<>();
    for (CompletableFuture<List<CompletableFuture<IssuedToken>>> worker : workers) {
      all.addAll(worker.get(30, TimeUnit.SECONDS));
    }
    disk.awaitCommit();
    byte[] signed =
        CompletableFuture.supplyAsync(this::hmac, ca.executor).get(30, TimeUnit.SECONDS);
    assertThat(signed).hasSize(32);
    assertThat(all).noneMatch(CompletableFuture::isDone);
    disk.release();
    Set<String> ids = new HashSet<>();
    for (CompletableFuture<IssuedToken> answer : all) {
      ids.add(answer.get(30, TimeUnit.SECONDS).id());
    }
    assertThat(ids).hasSize(400);
  }

  private byte[] hmac() {
    try {
      return ca.ca()
          .moduleKeys()
          .sign(new ModuleKeys.Module("edgeHub", "1"), ModuleKeys.Which.PRIMARY, new byte[9]);
    } catch (IssuanceException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void whoeverWaitsTooLongIsToldAndHisPlaceIsFree() throws Exception {
    ca.reopen(disk, SHORT);
    disk.stall();
    for (int round = 0; round < 3; round++) {
      ask(TokenIds.MOST_WAITING / 2, 10).forEach(TokenStallTest::assertUnavailable);
    }
    disk.release();
    until(() -> {
      try {
        return ca.token(grantOf("module1"), REQUEST).id().length() == 27;
      } catch (IssuanceException e) {
        return false;
      }
    });
  }

  @Test
  void moreThanMayWaitAreToldAtOnce() throws Exception {
    ca.reopen(disk, LONG);
    disk.stall();
    List<CompletableFuture<IssuedToken>> all = ask(TokenIds.MOST_WAITING, 50);
    assertThat(all).noneMatch(CompletableFuture::isDone);
    CompletableFuture<IssuedToken> more = ca.ca().tokens().issue(GRANT, REQUEST);
    assertThat(more).isCompletedExceptionally();
    assertUnavailable(more);
    disk.release();
    CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0])).get(60, TimeUnit.SECONDS);
    assertThat(ca.token(GRANT, REQUEST).id()).hasSize(27);
  }

  private String sign() throws Exception {
    return SignedJWT.parse(ca.token(GRANT, REQUEST).token()).getHeader().getKeyID();
  }

  private static Set<String> kids(String jwks) throws Exception {
    Set<String> kids = new HashSet<>();
    for (JWK key : JWKSet.parse(jwks).getKeys()) {
      kids.add(key.getKeyID());
    }
    return kids;
  }

  @Test
  void aTakeoverThatLandsLateIsFoundOutAndNobodyElseFails() throws Exception {
    ca.reopen(disk, SHORT);
    ca.clock.pass(Duration.ofDays(30).minusHours(1));
    String first = sign();
    Set<String> before = kids(ca.ca().tokens().jwks());
    ca.clock.pass(Duration.ofHours(1));
    disk.stall();
    assertThat(sign()).as("goes on while the takeover waits for the disk").isEqualTo(first);
    disk.awaitCommit();
    // Its own wait is over as well, and it looks at the ledger again and again; still nothing.
    for (int i = 0; i < 5; i++) {
      ca.clock.pass(Duration.ofSeconds(10));
      assertThat(sign()).isEqualTo(first);
      assertThat(kids(ca.ca().tokens().jwks())).isEqualTo(before);
    }
    Set<String> file = kids(Files.readString(ca.settings.directory().resolve("jwks.json")));
    assertThat(file).hasSize(3).containsAll(before);
    List<CompletableFuture<IssuedCertificate>> strangers =
        IntStream.range(0, 20)
            .mapToObj(i -> ca.ca().issue(TestCa.grant(), CertificateRequest.of(Profile.IDENTITY)))
            .toList();
    disk.release();
    for (CompletableFuture<IssuedCertificate> stranger : strangers) {
      assertThat(stranger.get(30, TimeUnit.SECONDS).serial()).hasSize(32);
    }
    ca.clock.pass(Duration.ofSeconds(10));
    until(() -> isSignedByAnother(first));
    assertThat(kids(ca.ca().tokens().jwks())).isEqualTo(file);
    assertThat(kids(Files.readString(ca.settings.directory().resolve("jwks.json"))))
        .isEqualTo(file);
    assertThat(LedgerPeek.count(ca.settings.directory(), "token_key")).isEqualTo(3);
    assertThat(before).contains(sign());
  }

  private boolean isSignedByAnother(String kid) {
    try {
      return !sign().equals(kid);
    } catch (IssuanceException busy) {
      return false;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aConditionThatIsNotMetUndoesItsOwnWriteOnly() throws Exception {
    ca.ca().close();
    try (LedgerWriter writer = new LedgerWriter(ca.settings.directory().resolve("ca.db"), disk);
        LedgerReader reader = new LedgerReader(ca.settings.directory().resolve("ca.db"))) {
      KeyLedger ledger = new KeyLedger(writer, reader, LedgerBudget.of(LedgerSettings.STANDARD));
      KeyLedger.StoredTokenKey active = ledger.tokenKeys().getFirst();
      disk.stall();
      CompletableFuture<?> ahead = writer.visible();
      disk.awaitCommit();
      // All of these share the next commit.
      CompletableFuture<?> one = writer.durable(row -> row.module("one"));
      CompletableFuture<?> second =
          ledger.takeOver(active.kid(), "nobody", Optional.empty(), TestCa.NOW);
      CompletableFuture<?> another = ledger.keepNext(ledger.tokenKeys().getLast());
      CompletableFuture<?> block = ledger.reserve(block("no such key"));
      CompletableFuture<?> good = ledger.reserve(block(active.kid()));
      CompletableFuture<?> two = writer.durable(row -> row.module("two"));
      disk.release();
      CompletableFuture.allOf(ahead, one, good, two).get(30, TimeUnit.SECONDS);
      assertThat(List.of(second, another, block))
          .allSatisfy(write -> assertThat(write).isCompletedExceptionally());
      assertThat(ledger.tokenKeys().getFirst().state()).isEqualTo(KeyState.ACTIVE);
      assertThat(LedgerPeek.count(ca.settings.directory(), "token_block")).isEqualTo(1);
      assertThat(LedgerPeek.count(ca.settings.directory(), "module")).isEqualTo(3);
    }
    ca.reopen();
  }

  private static KeyLedger.Block block(String kid) {
    return new KeyLedger.Block(
        new Blob(new byte[] {1, 2, 3}), 4096, "third", "1", kid, TestCa.NOW, TestCa.NOW);
  }

  @Test
  void aDisclosureThatCannotBeNotedIsNotMadeAndTakesTwoSeconds() throws Exception {
    ca.reopen(disk, LONG);
    disk.stall();
    long start = System.nanoTime();
    Refusals.assertRefused(
        Reason.LEDGER_UNAVAILABLE,
        () ->
            ca.ca()
                .moduleKeys()
                .reveal(new ModuleKeys.Module("edgeHub", "1"), ModuleKeys.Which.PRIMARY, "root"));
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
  }
}
