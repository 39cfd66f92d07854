package dev.vouchsafe.api;

import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Workers that take so many tasks and no more, because of a full queue or of an end. */
final class FakeWorkers extends AbstractExecutorService {
  /** How many tasks are still taken. */
  final AtomicInteger left = new AtomicInteger();

  volatile boolean stopping;
  private final Executor real;

  FakeWorkers(Executor real) {
    this.real = real;
  }

  @Override
  public void execute(Runnable task) {
    if (left.getAndDecrement() <= 0) {
      throw new RejectedExecutionException("no more");
    }
    real.execute(task);
  }

  @Override
  public void shutdown() {
    stopping = true;
  }

  @Override
  public List<Runnable> shutdownNow() {
    stopping = true;
    return List.of();
  }

  @Override
  public boolean isShutdown() {
    return stopping;
  }

  @Override
  public boolean isTerminated() {
    return stopping;
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) {
    return stopping;
  }
}
