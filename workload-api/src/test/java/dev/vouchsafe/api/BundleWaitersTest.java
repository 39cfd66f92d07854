package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.trust.BundleContent;
import dev.vouchsafe.trust.BundleFormat;
import dev.vouchsafe.trust.TrustBundle;
import dev.vouchsafe.trust.TrustBundles;
import io.netty.util.concurrent.DefaultEventExecutorGroup;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Those who wait: each ends once, for one of four reasons, and gives its place back. */
class BundleWaitersTest {
  private static final Duration LONG = Duration.ofMinutes(5);

  @TempDir private Path folder;
  private TestHome home;
  private Counting bundles;
  private final DefaultEventExecutorGroup timers = new DefaultEventExecutorGroup(1);
  private final Quota places = new Quota(3, 2);

  /** The real bundles, counting what hangs on their futures. */
  private record Counting(TrustBundles real, AtomicInteger asked) implements TrustBundles {
    @Override
    public TrustBundle current() {
      return real.current();
    }

    @Override
    public byte[] encoded(BundleFormat format) {
      return real.encoded(format);
    }

    @Override
    public String entityTag(BundleFormat format) {
      return real.entityTag(format);
    }

    @Override
    public TrustBundle change(UnaryOperator<BundleContent> change) throws IOException {
      return real.change(change);
    }

    @Override
    public CompletableFuture<TrustBundle> after(long sequence) {
      asked.incrementAndGet();
      return real.after(sequence);
    }
  }

  @BeforeEach
  void makeHome() throws Exception {
    home = TestHome.in(folder);
    bundles = new Counting(home.bundles, new AtomicInteger());
  }

  @AfterEach
  void closeHome() {
    timers.shutdownGracefully().awaitUninterruptibly(1000);
    home.close();
  }

  private void change() throws Exception {
    X509Certificate extra = home.authority.authorities().getLast().certificate();
    home.addToBundle(List.of(extra));
  }

  private static FakeExchange add(
      BundleWaiters waiters, Object owner, long sequence, Duration longest, AtomicInteger ended)
      throws Failure {
    FakeExchange exchange = new FakeExchange(owner);
    waiters.add(
        exchange,
        sequence,
        longest,
        () -> {
          ended.incrementAndGet();
          exchange.answer(Response.empty(Status.OK));
        });
    return exchange;
  }

  @Test
  void tooManyAreToldSoInAllAndForOneOwner() throws Exception {
    BundleWaiters waiters = new BundleWaiters(bundles, timers, places);
    AtomicInteger ended = new AtomicInteger();
    add(waiters, "a", 1, LONG, ended);
    add(waiters, "a", 1, LONG, ended);
    assertThatThrownBy(() -> add(waiters, "a", 1, LONG, ended)).isInstanceOf(Failure.class);
    add(waiters, "b", 1, LONG, ended);
    assertThatThrownBy(() -> add(waiters, "c", 1, LONG, ended)).isInstanceOf(Failure.class);
    assertThat(ended).hasValue(0);
    change();
    Wait.until("all were woken", () -> ended.get() == 3);
    assertThat(places.held()).isZero();
  }

  @Test
  void whoComesAfterTheChangeIsAnsweredAtOnce() throws Exception {
    BundleWaiters waiters = new BundleWaiters(bundles, timers, places);
    AtomicInteger ended = new AtomicInteger();
    add(waiters, "a", 1, LONG, ended);
    change();
    Wait.until("it was woken", () -> ended.get() == 1);
    add(waiters, "a", 1, LONG, ended);
    assertThat(ended).hasValue(2);
  }

  @Test
  void manyWhoComeAndGoHangOnOneFuture() throws Exception {
    BundleWaiters waiters = new BundleWaiters(bundles, timers, places);
    AtomicInteger ended = new AtomicInteger();
    for (int i = 0; i < 1000; i++) {
      add(waiters, "a", 1, LONG, ended).hangUp();
    }
    assertThat(ended).hasValue(1000);
    assertThat(bundles.asked()).hasValue(1);
    assertThat(places.held()).isZero();
  }

  @Test
  void theTimeIsUpOnce() throws Exception {
    BundleWaiters waiters = new BundleWaiters(bundles, timers, places);
    AtomicInteger ended = new AtomicInteger();
    FakeExchange exchange = add(waiters, "a", 1, Duration.ofMillis(5), ended);
    Wait.until("the time is up", () -> ended.get() == 1);
    exchange.hangUp();
    change();
    assertThat(ended).hasValue(1);
    assertThat(exchange.answers).hasSize(1);
  }

  @Test
  void closingEndsAllAndLaterOnes() throws Exception {
    BundleWaiters waiters = new BundleWaiters(bundles, timers, places);
    AtomicInteger ended = new AtomicInteger();
    add(waiters, "a", 1, LONG, ended);
    waiters.close();
    assertThat(ended).hasValue(1);
    add(waiters, "a", 1, LONG, ended);
    assertThat(ended).hasValue(2);
  }
}
