package dev.vouchsafe.trust;

import java.io.IOException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;

/**
 * The bundle in memory and in its file.
 *
 * <p>Invariants: {@code now} changes only under {@code writing}, only after the file did, and its
 * sequence only rises. A future is in {@code waiting} as long as it is not completed.
 */
final class KeptTrustBundles implements TrustBundles {
  /** Readers that wait at one time; the servers in front allow fewer. */
  static final int MOST_WAITING = 10_000;

  private final BundleFile file;
  private final Duration refreshHint;
  private final Lock writing = new ReentrantLock();
  private final Map<Long, Reader> waiting = new ConcurrentHashMap<>();
  private final AtomicLong readers = new AtomicLong();
  private volatile EncodedBundle now;

  /** Who waits for what comes after a sequence. */
  private record Reader(long after, CompletableFuture<TrustBundle> answer) {}

  private KeptTrustBundles(BundleFile file, Duration refreshHint, EncodedBundle now) {
    this.file = file;
    this.refreshHint = refreshHint;
    this.now = now;
  }

  static KeptTrustBundles create(BundleFile file, Duration refreshHint, List<X509Certificate> roots)
      throws IOException {
    BundleDocument document =
        new BundleDocument(
            1,
            new BundleContent(roots.stream().map(BundleContent.Root::new).toList(), List.of())
                .checked());
    EncodedBundle first = encode(document, refreshHint);
    file.create(document);
    return new KeptTrustBundles(file, refreshHint, first);
  }

  static KeptTrustBundles open(BundleFile file, Duration refreshHint) throws IOException {
    EncodedBundle stored = encode(file.read(), refreshHint);
    file.sweep();
    return new KeptTrustBundles(file, refreshHint, stored);
  }

  private static EncodedBundle encode(BundleDocument document, Duration refreshHint)
      throws IOException {
    if (refreshHint.toSeconds() < 1) {
      throw new IllegalArgumentException("the refresh hint of a trust bundle is at least a second");
    }
    return new EncodedBundle(new TrustBundle(document.sequence(), refreshHint, document.content()));
  }

  @Override
  public TrustBundle current() {
    return now.bundle();
  }

  @Override
  public byte[] encoded(BundleFormat format) {
    return now.encoding(format);
  }

  @Override
  public String entityTag(BundleFormat format) {
    return now.entityTag(format);
  }

  @Override
  public TrustBundle change(UnaryOperator<BundleContent> change) throws IOException {
    TrustBundle published;
    writing.lock();
    try {
      TrustBundle before = now.bundle();
      BundleContent content = change.apply(before.content()).checked();
      if (content.equals(before.content())) {
        return before;
      }
      BundleDocument document = new BundleDocument(Math.addExact(before.sequence(), 1), content);
      EncodedBundle next = encode(document, refreshHint);
      file.replace(document);
      now = next;
      published = next.bundle();
    } finally {
      writing.unlock();
    }
    // Outside of the lock: what a reader does next is the reader's, and may publish again.
    wake();
    return published;
  }

  private void wake() {
    for (Reader reader : waiting.values()) {
      TrustBundle current = now.bundle();
      if (current.sequence() > reader.after()) {
        reader.answer().complete(current);
      }
    }
  }

  @Override
  public CompletableFuture<TrustBundle> after(long sequence) {
    TrustBundle current = now.bundle();
    if (current.sequence() > sequence) {
      return CompletableFuture.completedFuture(current);
    }
    if (waiting.size() >= MOST_WAITING) {
      return CompletableFuture.failedFuture(
          new RejectedExecutionException("too many wait for the next trust bundle"));
    }
    Long key = readers.incrementAndGet();
    CompletableFuture<TrustBundle> answer = new CompletableFuture<>();
    waiting.put(key, new Reader(sequence, answer));
    // Also when the reader cancels, or completes it by a timeout.
    var _ = answer.whenComplete((bundle, error) -> waiting.remove(key));
    // A version that came between the first look and the entry in the map woke nobody.
    TrustBundle latest = now.bundle();
    if (latest.sequence() > sequence) {
      answer.complete(latest);
    }
    return answer;
  }

  /** How many wait now. */
  int waiting() {
    return waiting.size();
  }
}
