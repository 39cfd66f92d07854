package dev.vouchsafe.attestation;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Answers of another program, which may be slow, silent or gone: asked on threads of its own,
 * waited for a bounded time, and kept for a second at most.
 *
 * <p>That there was no answer is kept as well, so that a program that hangs costs one wait a second
 * for each question and not one for each request.
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

  private final String whom;
  private final Source<K, V> source;
  private final Cache<K, CompletableFuture<V>> answers;
  private final ThreadPoolExecutor threads;

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
   * @throws IOException if there is no answer; its message says why
   */
  V get(K key) throws IOException {
    CompletableFuture<V> answer = answers.get(key, this::start);
    try {
      return answer.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw silent();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException because ? because : silent();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private IOException silent() {
    return new IOException(whom + " doesn't answer within " + PATIENCE.toMillis() + " ms");
  }

  private CompletableFuture<V> start(K key) {
    CompletableFuture<V> answer = new CompletableFuture<>();
    try {
      threads.execute(() -> {
        try {
          answer.complete(source.ask(key));
        } catch (IOException e) {
          answer.completeExceptionally(e);
        } finally {
          // Without effect, unless something went wrong that nobody thought of.
          answer.completeExceptionally(new IOException(whom + " can't be asked"));
        }
      });
    } catch (RejectedExecutionException e) {
      answer.completeExceptionally(new IOException("too much is being asked of " + whom, e));
    }
    // Whoever comes later doesn't wait for what has taken too long already.
    return answer.orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
