package dev.vouchsafe.audit;

import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** A log with the thread that writes it. */
final class RunningLog implements AuditLog {
  private final AuditKeys.Signer signer;
  private final InstantSource clock;
  private final LogQueue queue = new LogQueue();
  private final Overdue overdue = new Overdue(LONGEST_WAIT);
  private final Summaries summaries;
  private final Scribe scribe;

  private RunningLog(
      LogWriter writer,
      AuditKeys.Signer signer,
      InstantSource clock,
      BooleanSupplier certain,
      LongSupplier nanoTime) {
    this.signer = signer;
    this.clock = clock;
    this.summaries = new Summaries(nanoTime, clock.instant());
    this.scribe = new Scribe(writer, queue, summaries, clock, certain, nanoTime);
  }

  static RunningLog start(
      LogWriter writer,
      AuditKeys.Signer signer,
      InstantSource clock,
      BooleanSupplier certain,
      LongSupplier nanoTime) {
    RunningLog log = new RunningLog(writer, signer, clock, certain, nanoTime);
    log.scribe.start();
    return log;
  }

  @Override
  public void note(AuditEvent event) {
    if (summaries.admit(event) && !queue.offer(entry(event, null))) {
      summaries.lose();
    }
  }

  @Override
  public void promise(AuditEvent event) throws AuditUnavailableException {
    put(event, null);
  }

  private void put(AuditEvent event, @Nullable CompletableFuture<Void> kept)
      throws AuditUnavailableException {
    String known = scribe.fault();
    if (known != null) {
      throw new AuditUnavailableException("the audit log can't be written: " + known);
    }
    queue.put(entry(event, kept));
  }

  @Override
  public CompletableFuture<Void> record(AuditEvent event) {
    CompletableFuture<Void> kept = new CompletableFuture<>();
    try {
      put(event, kept);
    } catch (AuditUnavailableException e) {
      return CompletableFuture.failedFuture(e);
    }
    return overdue
        .end(kept)
        .exceptionallyCompose(error ->
            error instanceof TimeoutException
                ? failed("the audit log's disk does not answer")
                : CompletableFuture.failedFuture(error));
  }

  private static <T> CompletableFuture<T> failed(String why) {
    return CompletableFuture.failedFuture(new AuditUnavailableException(why));
  }

  @Override
  public void require(AuditEvent event) throws AuditUnavailableException {
    await(record(event));
  }

  private static <T> T await(CompletableFuture<T> wanted) throws AuditUnavailableException {
    try {
      return wanted.get(LONGEST_WAIT.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new AuditUnavailableException(String.valueOf(cause.getMessage()), cause);
    } catch (TimeoutException e) {
      throw new AuditUnavailableException("the audit log's disk does not answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AuditUnavailableException("interrupted", e);
    }
  }

  private LogQueue.Entry entry(AuditEvent event, @Nullable CompletableFuture<Void> kept) {
    return new LogQueue.Entry(new LogWriter.Stamped(clock.instant(), event), kept);
  }

  @Override
  public void count(String module, String operation) {
    summaries.count(module, operation);
  }

  @Override
  public String checkpoint() throws AuditUnavailableException {
    LogQueue.Wanted wanted = new LogQueue.Wanted(new CompletableFuture<>());
    queue.put(wanted);
    return await(wanted.answer());
  }

  @Override
  public AuditLog.Status status() {
    return new AuditLog.Status(
        scribe.written(),
        summaries.summarised(),
        summaries.lost(),
        queue.size(),
        scribe.trimmed(),
        Optional.ofNullable(scribe.fault()),
        Optional.ofNullable(scribe.signingFault()),
        Optional.ofNullable(scribe.newest()),
        signer.publicKey().map(AuditKeys::fingerprint));
  }

  @Override
  public void close() {
    queue.close();
    scribe.await();
  }
}
