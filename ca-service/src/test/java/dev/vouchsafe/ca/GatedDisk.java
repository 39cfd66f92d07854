package dev.vouchsafe.ca;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** A disk on which the test lets each commit through, or fail, one after the other. */
final class GatedDisk implements LedgerSchema.Connector {
  private final BlockingQueue<Boolean> verdicts = new LinkedBlockingQueue<>();
  private final Semaphore reached = new Semaphore(0);
  private volatile boolean gated;

  /** From now on, each commit waits for what is to become of it. */
  void gate() {
    gated = true;
  }

  /** From now on all are done, also the one that waits. */
  void open() {
    gated = false;
    verdicts.add(true);
  }

  /** Waits until a commit waits. */
  void awaitCommit() throws InterruptedException {
    if (!reached.tryAcquire(30, TimeUnit.SECONDS)) {
      throw new IllegalStateException("nothing was committed");
    }
  }

  /** What becomes of the commit that waits, or of the next. */
  void decide(boolean done) {
    verdicts.add(done);
  }

  private boolean isDone() throws InterruptedException {
    if (!gated) {
      return true;
    }
    reached.release();
    return verdicts.take();
  }

  @Override
  public Connection connect(Path file) throws SQLException {
    Connection real = LedgerSchema.connect(file);
    return (Connection)
        Proxy.newProxyInstance(
            GatedDisk.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("commit") && !isDone()) {
                throw new SQLException("the disk is full, says the test");
              }
              try {
                return method.invoke(real, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
