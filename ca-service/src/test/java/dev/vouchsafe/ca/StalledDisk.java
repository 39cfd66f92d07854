package dev.vouchsafe.ca;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A disk that answers no commit while the test holds it. */
final class StalledDisk implements LedgerSchema.Connector {
  private volatile CountDownLatch released = new CountDownLatch(0);
  private volatile CountDownLatch reached = new CountDownLatch(1);

  /** From now on commits wait. */
  void stall() {
    reached = new CountDownLatch(1);
    released = new CountDownLatch(1);
  }

  /** Waits until a commit does wait. */
  void awaitCommit() throws InterruptedException {
    if (!reached.await(30, TimeUnit.SECONDS)) {
      throw new IllegalStateException("nothing was committed");
    }
  }

  void release() {
    released.countDown();
  }

  @Override
  public Connection connect(Path file) throws SQLException {
    Connection real = LedgerSchema.connect(file);
    return (Connection)
        Proxy.newProxyInstance(
            StalledDisk.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("commit")) {
                reached.countDown();
                released.await();
              }
              try {
                return method.invoke(real, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
