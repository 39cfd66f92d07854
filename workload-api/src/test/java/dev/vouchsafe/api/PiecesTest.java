package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.attestation.CallerUnknownException;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetAddress;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

/** The small pieces, each by itself. */
class PiecesTest {
  @Test
  void aQuotaHoldsInAllAndForEachOwner() {
    Quota quota = new Quota(3, 2);

    assertThat(quota.enter("a")).isTrue();
    assertThat(quota.enter("a")).isTrue();
    assertThat(quota.enter("a")).isFalse();
    assertThat(quota.enter("b")).isTrue();
    assertThat(quota.enter("b")).as("all are taken").isFalse();
    quota.leave("a");
    assertThat(quota.enter("b")).isTrue();
    quota.leave("b");
    quota.leave("b");
    quota.leave("a");
    assertThat(quota.held()).isZero();
    assertThatThrownBy(() -> quota.leave("a")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aLeaseClosesItsCallerWithItsLastUserAndLetsNobodyInAfterThat()
      throws CallerUnknownException {
    FakeAttestor attestor = new FakeAttestor();
    CallerLease lease = new CallerLease(attestor.accept(0));

    assertThat(lease.acquire()).isTrue();
    lease.release();
    assertThat(attestor.open).hasValue(1);
    lease.release();
    assertThat(attestor.open).hasValue(0);
    assertThat(lease.acquire()).isFalse();
    assertThatThrownBy(lease::release).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aDeadlineThatIsMovedOftenFiresOnceAtItsLastTime() {
    EmbeddedChannel channel = new EmbeddedChannel();
    channel.freezeTime();
    List<String> fired = new ArrayList<>();
    Deadline deadline = new Deadline(channel.eventLoop(), () -> fired.add("x"));
    deadline.set(Duration.ofSeconds(60));
    deadline.set(Duration.ofSeconds(5));
    advance(channel, 4);
    deadline.set(Duration.ofSeconds(5));
    advance(channel, 4);
    assertThat(fired).isEmpty();
    advance(channel, 1);
    assertThat(fired).hasSize(1);
    deadline.set(Duration.ofSeconds(5));
    deadline.clear();
    advance(channel, 60);
    assertThat(fired).hasSize(1);
    deadline.set(Duration.ofSeconds(5));
    deadline.cancel();
    advance(channel, 60);
    assertThat(fired).hasSize(1);
    channel.finishAndReleaseAll();
  }

  private static void advance(EmbeddedChannel channel, int seconds) {
    channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
    channel.runScheduledPendingTasks();
  }

  @Test
  void aBodyGrowsWithWhatCameAndNotOverItsLimit() throws Failure {
    BodyBuffer body = new BodyBuffer(10, BodyBuffer.budget(0), "a");
    body.add(Unpooled.copiedBuffer(new byte[] {1, 2, 3}));
    body.add(Unpooled.copiedBuffer(new byte[] {4}));
    assertThat(body.takeAll()).containsExactly(1, 2, 3, 4);
    assertThat(body.takeAll()).isEmpty();
    body.add(Unpooled.copiedBuffer(new byte[10]));
    assertThatThrownBy(() -> body.add(Unpooled.copiedBuffer(new byte[1])))
        .isInstanceOf(Failure.class);
    body.reset();
    assertThat(body.takeAll()).isEmpty();
  }

  private static void add(BodyBuffer body, int octets) throws Failure {
    body.add(Unpooled.wrappedBuffer(new byte[octets]));
  }

  @Test
  void aBodyBeyondALittleIsCountedFromBeforeItIsKeptUntilItsExchangeHasEnded() throws Failure {
    Quota budget = BodyBuffer.budget(400_000);
    BodyBuffer body = new BodyBuffer(128 * 1024, budget, "a");
    add(body, BodyBuffer.FREE);
    assertThat(budget.held()).as("a little is free").isZero();
    add(body, 1);
    assertThat(budget.held()).isEqualTo(2 * BodyBuffer.FREE);
    add(body, 50_000);
    assertThat(budget.held()).isGreaterThanOrEqualTo(BodyBuffer.FREE + 50_001);
    int held = budget.held();
    assertThat(body.takeAll()).hasSize(BodyBuffer.FREE + 50_001);
    FakeExchange exchange = new FakeExchange("a");
    body.handOver(exchange);
    body.reset();
    assertThat(budget.held()).as("somebody works on it").isEqualTo(held);
    exchange.answer(Response.empty(Status.OK));
    assertThat(budget.held()).isZero();
    add(body, 60_000);
    body.reset();
    assertThat(budget.held()).as("dropped").isZero();
  }

  @Test
  void oneOwnersBodiesLeaveRoomForTheOthers() throws Failure {
    Quota budget = BodyBuffer.budget(400_000);
    BodyBuffer first = new BodyBuffer(128 * 1024, budget, "a");
    BodyBuffer second = new BodyBuffer(128 * 1024, budget, "a");
    add(first, 60_000);
    assertThatThrownBy(() -> add(second, 60_000))
        .isInstanceOfSatisfying(
            Failure.class,
            failure -> {
              assertThat(failure.code()).isEqualTo("too-many-bodies");
              assertThat(failure.retryAfter()).isPositive();
            });
    assertThat(budget.held()).as("nothing was kept of it").isEqualTo(60_000);
    for (String owner : List.of("b", "c", "d")) {
      add(new BodyBuffer(128 * 1024, budget, owner), 100_000);
    }
    assertThatThrownBy(() -> add(new BodyBuffer(128 * 1024, budget, "e"), 50_000))
        .as("all together")
        .isInstanceOf(Failure.class);
    first.reset();
    add(new BodyBuffer(128 * 1024, budget, "e"), 50_000);
    add(second, 10);
  }

  @Test
  void timesAreWholeSecondsInUtc() {
    Instant time = Instant.parse("2026-11-05T10:20:30.999Z");
    assertThat(Times.text(time)).isEqualTo("2026-11-05T10:20:30Z");
    assertThat(Times.iotEdge(time)).isEqualTo("2026-11-05T10:20:30+00:00");
    assertThat(Times.parse("2026-11-05T10:20:30.1234567Z"))
        .isEqualTo("2026-11-05T10:20:30.123456700Z");
    assertThat(Times.parse("2026-11-05T12:20:30+02:00")).isEqualTo("2026-11-05T10:20:30Z");
    assertThat(Times.parse("2026-11-05t10:20:30z")).isEqualTo("2026-11-05T10:20:30Z");
    assertThat(Times.parse("2026-11-05T10:20:30")).isEqualTo("2026-11-05T10:20:30Z");
    assertThat(Times.parse("2026-11-05")).isEqualTo("2026-11-05T00:00:00Z");
    for (String bad : List.of("", "1", "now", "2026-13-01", "2026-11-05T25:00:00Z", "T10:20")) {
      assertThatThrownBy(() -> Times.parse(bad)).isInstanceOf(DateTimeException.class);
    }
  }

  @Test
  void aHostWithAWholeIpv6SubnetIsOneOwner() throws Exception {
    assertThat(Network.of(InetAddress.ofLiteral("2001:db8:1:2::1")))
        .isEqualTo(Network.of(InetAddress.ofLiteral("2001:db8:1:2:ffff::9")))
        .isNotEqualTo(Network.of(InetAddress.ofLiteral("2001:db8:1:3::1")));
    assertThat(Network.of(InetAddress.ofLiteral("10.0.0.1")))
        .isNotEqualTo(Network.of(InetAddress.ofLiteral("10.0.0.2")));
  }

  @Test
  void aCallerCanNeitherFloodTheLogNorForgeItsLines() {
    List<String> lines = new ArrayList<>();
    Logger logger = Logger.getLogger(PiecesTest.class.getName());
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord line) {
            lines.add(line.getMessage());
          }

          @Override
          public void flush() {
            // Nothing is held back.
          }

          @Override
          public void close() {
            // Nothing is open.
          }
        };
    logger.setUseParentHandlers(false);
    logger.addHandler(handler);
    try {
      QuietLog log = new QuietLog(PiecesTest.class);
      log.info("a\nb\u001b[31m\u00e4" + "x".repeat(1000));
      for (int i = 0; i < 1000; i++) {
        log.info("again");
      }
    } finally {
      logger.removeHandler(handler);
      logger.setUseParentHandlers(true);
    }
    assertThat(lines).hasSize(20);
    assertThat(lines.getFirst()).startsWith("a?b?[31m?xx").hasSize(500);
  }

  @Test
  void anIdentityWithoutACertificateHasNoneToShow() {
    HttpsIdentity identity = new HttpsIdentity();
    assertThat(identity.due(Instant.EPOCH)).isTrue();
    assertThat(identity.certificate()).isEmpty();
    assertThat(identity.getPrivateKey("https-1")).isNull();
    assertThat(identity.getServerAliases("EC", null)).isNull();
  }
}
