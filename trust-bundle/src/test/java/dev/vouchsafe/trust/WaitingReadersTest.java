package dev.vouchsafe.trust;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WaitingReadersTest {
  private static final X509Certificate ROOT = Certificates.named("root-p256");
  private static final X509Certificate OTHER = Certificates.named("root-rsa");

  @TempDir Path folder;
  private KeptTrustBundles bundles;

  @BeforeEach
  void create() throws Exception {
    bundles =
        KeptTrustBundles.create(
            new BundleFile(folder.resolve("bundle.json")), Duration.ofHours(1), List.of(ROOT));
  }

  @Test
  void whoAsksForAnOlderVersionIsAnsweredAtOnce() {
    assertThat(bundles.after(0)).isCompletedWithValue(bundles.current());
    assertThat(bundles.after(Long.MIN_VALUE)).isCompletedWithValue(bundles.current());
    assertThat(bundles.waiting()).isZero();
  }

  @Test
  void whoHasTheCurrentVersionIsAnsweredByTheNext() throws Exception {
    CompletableFuture<TrustBundle> reader = bundles.after(1);
    CompletableFuture<TrustBundle> later = bundles.after(2);
    assertThat(reader).isNotDone();
    TrustBundle second = Certificates.publish(bundles, List.of(ROOT), List.of(OTHER));
    assertThat(reader).isCompletedWithValue(second);
    assertThat(later).isNotDone();
    TrustBundle third = Certificates.publish(bundles, List.of(ROOT), List.of());
    assertThat(later).isCompletedWithValue(third);
    assertThat(bundles.waiting()).isZero();
  }

  @Test
  void publishingTheSameAgainWakesNobody() throws Exception {
    CompletableFuture<TrustBundle> reader = bundles.after(1);
    Certificates.publish(bundles, List.of(ROOT), List.of());
    assertThat(reader).isNotDone();
  }

  @Test
  void aReaderThatCancelsOrTimesOutIsForgotten() throws Exception {
    CompletableFuture<TrustBundle> cancelled = bundles.after(1);
    CompletableFuture<TrustBundle> impatient = bundles.after(1).orTimeout(1, TimeUnit.MILLISECONDS);
    assertThat(cancelled.cancel(false)).isTrue();
    assertThat(impatient)
        .failsWithin(Duration.ofSeconds(30))
        .withThrowableThat()
        .withCauseInstanceOf(TimeoutException.class);
    assertThat(bundles.waiting()).isZero();
  }

  @Test
  void aFloodOfReadersIsBoundedAndEndsWithTheNextVersion() throws Exception {
    List<CompletableFuture<TrustBundle>> readers = new ArrayList<>();
    for (int i = 0; i < KeptTrustBundles.MOST_WAITING; i++) {
      readers.add(bundles.after(1));
    }
    assertThat(bundles.after(1))
        .isCompletedExceptionally()
        .failsWithin(Duration.ZERO)
        .withThrowableThat()
        .withCauseInstanceOf(RejectedExecutionException.class);
    TrustBundle second = Certificates.publish(bundles, List.of(ROOT), List.of(OTHER));
    assertThat(readers).allMatch(reader -> reader.join().equals(second));
    assertThat(bundles.waiting()).isZero();
  }

  @Test
  void aReaderMayPublishAsSoonAsItIsWoken() throws Exception {
    CompletableFuture<Long> chained =
        bundles
            .after(1)
            .thenApply(bundle -> {
              try {
                return Certificates.publish(bundles, List.of(ROOT), List.of()).sequence();
              } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            });
    assertThat(Certificates.publish(bundles, List.of(ROOT), List.of(OTHER)).sequence())
        .isEqualTo(2);
    assertThat(chained).isCompletedWithValue(3L);
  }

  @Test
  void noReaderMissesAVersionWhileManyPublish() throws Exception {
    int publishers = 2;
    int rounds = 40;
    CyclicBarrier start = new CyclicBarrier(publishers + 2);
    List<Callable<Long>> work = new ArrayList<>();
    for (int i = 0; i < publishers; i++) {
      work.add(() -> {
        start.await();
        for (int round = 0; round < rounds; round++) {
          Certificates.publish(bundles, List.of(ROOT), round % 2 == 0 ? List.of(OTHER) : List.of());
        }
        // Whoever comes last makes a version that differs from the one before.
        Certificates.publish(bundles, List.of(OTHER, ROOT), List.of());
        return bundles.current().sequence();
      });
    }
    for (int i = 0; i < 2; i++) {
      work.add(() -> {
        start.await();
        TrustBundle seen = bundles.current();
        while (!seen.roots().getFirst().equals(OTHER)) {
          TrustBundle next = bundles.after(seen.sequence()).get(60, TimeUnit.SECONDS);
          assertThat(next.sequence()).isGreaterThan(seen.sequence());
          seen = next;
        }
        return seen.sequence();
      });
    }
    try (ExecutorService executor = Executors.newFixedThreadPool(work.size())) {
      for (Future<Long> result : executor.invokeAll(work)) {
        assertThat(result.get()).isPositive();
      }
    }
    assertThat(bundles.waiting()).isZero();
    assertThat(TrustBundleStore.open(folder.resolve("bundle.json"), Duration.ofHours(1)).current())
        .isEqualTo(bundles.current());
  }
}
