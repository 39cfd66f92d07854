package dev.vouchsafe.attestation;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Answers of another program, which may be slow, silent or gone: asked on threads of its own,
 * waited for a bounded time, and kept for a second at most.
 *
 * <p>That there was no answer is kept as well, so that a program that hangs costs one wait a second
 * for each question and not one for each request.
 *
 * <p>One user's processes have two questions open at most, so that they leave room to the others'.
 */
final class Asked<K, V> implements AutoCloseable {
  /** Asks. */
  interface Source<K, V> {
    /**
     * The answer.
     *
     * @throws IOException if there is none; its message says why
     */
    V ask(K key) throws IOException;
  }

  static final Duration PATIENCE = Duration.ofMillis(500);
  private static final Duration KEPT = Duration.ofSeconds(1);
  private static final int MOST_KEPT = 1024;
  private static final int THREADS = 2;
  private static final int WAITING = 64;
  private static final int OPEN_PER_USER = 2;

  private final String whom;
  private final Source<K, V> source;
  private final Cache<K, CompletableFuture<V>> answers;
  private final ThreadPoolExecutor threads;
  private final Map<Long, Integer> open = new ConcurrentHashMap<>();

  /**
   * @param whom who is asked, for messages and the names of threads
   */
  Asked(String whom, Source<K, V> source, Ticker ticker) {
    this.whom = whom;
    this.source = source;
    this.answers =
        Caffeine.newBuilder()
            .maximumSize(MOST_KEPT)
            .expireAfterWrite(KEPT)
            .ticker(ticker)
            .executor(Runnable::run)
            .build();
    this.threads =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            10,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(WAITING),
            Thread.ofPlatform().daemon().name("vouchsafe-ask-" + whom + "-", 0).factory());
    threads.allowCoreThreadTimeOut(true);
  }

  /**
   * What was answered within the last second, or is answered now.
   *
   * @param uid whose process makes us ask
   * @throws IOException if there is no answer; its message says why
   */
  V get(long uid, K key) throws IOException {
    CompletableFuture<V> kept = answers.getIfPresent(key);
    try {
      return (kept == null ? ask(uid, key) : kept).get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw silent();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException because ? because : silent();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /**
   * What is answered now, if the answer that was had before is still the one that is kept.
   *
   * @throws IOException as {@link #get} does
   */
  V again(long uid, K key, V before) throws IOException {
    answers.asMap().computeIfPresent(key, (_, kept) -> before.equals(answerOf(kept)) ? null : kept);
    return get(uid, key);
  }

  private @Nullable V answerOf(CompletableFuture<V> kept) {
    return kept.state() == Future.State.SUCCESS ? kept.resultNow() : null;
  }

  private IOException silent() {
    return new IOException(whom + " doesn't answer within " + PATIENCE.toMillis() + " ms");
  }

  /** What isn't even asked is not kept: it would be everybody's answer. */
  private CompletableFuture<V> ask(long uid, K key) throws IOException {
    if (open.merge(uid, 1, Integer::sum) > OPEN_PER_USER) {
      leave(uid);
      // Somebody may have asked it meanwhile.
      CompletableFuture<V> others = answers.getIfPresent(key);
      if (others == null) {
        throw tooMuch();
      }
      return others;
    }
    CompletableFuture<V> mine = new CompletableFuture<>();
    CompletableFuture<V> first = answers.asMap().putIfAbsent(key, mine);
    if (first != null) {
      leave(uid);
      return first;
    }
    try {
      start(uid, key, mine);
    } catch (RejectedExecutionException _) {
      leave(uid);
      answers.asMap().remove(key, mine);
      mine.completeExceptionally(tooMuch());
    }
    // Whoever comes later doesn't wait for what has taken too long already.
    return mine.orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
  }

  private IOException tooMuch() {
    return new IOException("too much is being asked of " + whom);
  }

  private void start(long uid, K key, CompletableFuture<V> answer) {
    threads.execute(() -> {
      @Nullable V said = null;
      IOException because = new IOException(whom + " can't be asked");
      try {
        said = source.ask(key);
      } catch (IOException e) {
        because = e;
      } finally {
        // First the place, so that whoever sees the answer finds it free.
        leave(uid);
        if (said == null) {
          answer.completeExceptionally(because);
        } else {
          answer.complete(said);
        }
      }
    });
  }

  private void leave(long uid) {
    open.computeIfPresent(uid, (_, n) -> n == 1 ? null : n - 1);
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
