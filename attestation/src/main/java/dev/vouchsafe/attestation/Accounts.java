package dev.vouchsafe.attestation;

import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The ids of accounts by name, resolved on a thread of its own and again every minute, since the
 * data base behind the names may hang. What has not been confirmed for ten minutes is not believed
 * any more.
 */
final class Accounts implements AutoCloseable {
  private static final Duration AGAIN = Duration.ofMinutes(1);
  private static final Duration BELIEVED = Duration.ofMinutes(10);
  private static final int MOST_NAMES = 100_000;

  /** A name to resolve. */
  record Name(AccountNames.Kind kind, String name) {}

  private record Entry(Resolution resolution, long nanos) {}

  private final AccountNames names;
  private final Duration patience;
  private final Map<Name, Entry> known = new ConcurrentHashMap<>();
  private final AtomicLong version = new AtomicLong();
  private final ScheduledThreadPoolExecutor resolver;

  /** Whether the last wait ended without an answer, so that nobody else waits in vain. */
  private volatile boolean stuck;

  /**
   * @param patience how long {@link #prepare} waits at most
   */
  Accounts(AccountNames names, Duration patience) {
    this.names = names;
    this.patience = patience;
    this.resolver =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("vouchsafe-accounts").factory());
    resolver.setRemoveOnCancelPolicy(true);
    long period = AGAIN.toMillis();
    var _ = resolver.scheduleWithFixedDelay(this::refresh, period, period, TimeUnit.MILLISECONDS);
  }

  /** Resolves names that are not known yet, and waits for them a bounded time. */
  void prepare(Collection<Name> wanted) {
    List<Name> missing =
        wanted.stream().filter(n -> !known.containsKey(n)).distinct().limit(MOST_NAMES).toList();
    if (missing.isEmpty() || known.size() > MOST_NAMES) {
      return;
    }
    Entry pending = new Entry(new Resolution.Unknown("not resolved yet"), System.nanoTime());
    missing.forEach(n -> known.putIfAbsent(n, pending));
    CountDownLatch done = new CountDownLatch(1);
    resolver.execute(() -> {
      missing.forEach(this::resolve);
      stuck = false;
      done.countDown();
    });
    if (!stuck) {
      await(done);
    }
  }

  /** What is known of a name now; never waits. */
  Resolution peek(Name name) {
    Entry entry = known.get(name);
    if (entry == null) {
      return new Resolution.Unknown("not resolved yet");
    }
    boolean old = System.nanoTime() - entry.nanos > BELIEVED.toNanos();
    return old ? new Resolution.Unknown("the name service doesn't answer") : entry.resolution;
  }

  /** What is known of a name, after a bounded wait if it is new. */
  Resolution get(Name name) {
    if (!known.containsKey(name)) {
      prepare(List.of(name));
    }
    return peek(name);
  }

  /** Grows whenever a name got another meaning. */
  long version() {
    return version.get();
  }

  /** Resolves every name once more; on the resolver's thread. */
  void refresh() {
    known.keySet().forEach(this::resolve);
    stuck = false;
  }

  private void resolve(Name name) {
    Resolution resolution;
    try {
      OptionalLong id = names.id(name.kind(), name.name());
      resolution = id.isPresent() ? new Resolution.Id(id.getAsLong()) : new Resolution.Absent();
    } catch (IOException e) {
      Entry before = known.get(name);
      if (before != null && !(before.resolution instanceof Resolution.Unknown)) {
        // What was known stays until it is too old to believe.
        return;
      }
      resolution = new Resolution.Unknown("the name service failed: " + e.getMessage());
    }
    Entry before = known.put(name, new Entry(resolution, System.nanoTime()));
    if (before == null || !before.resolution.equals(resolution)) {
      version.incrementAndGet();
    }
  }

  private void await(CountDownLatch done) {
    try {
      stuck = !done.await(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    resolver.shutdownNow();
  }
}
