package dev.vouchsafe.ca;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;

/**
 * What a process leaves on the disk that is killed just before or just after its n-th commit: after
 * that moment nothing is written any more.
 */
final class DyingDisk implements LedgerSchema.Connector {
  private int left = Integer.MAX_VALUE;
  private boolean after;
  private boolean dead;

  /**
   * From now on, it counts.
   *
   * @param commits which one is the last
   * @param wanted whether that one is still done, or is not
   */
  synchronized void arm(int commits, boolean wanted) {
    left = commits;
    after = wanted;
  }

  synchronized boolean isDead() {
    return dead;
  }

  private synchronized boolean survives() {
    left--;
    if (left > 0) {
      return true;
    }
    boolean survives = !dead && after;
    dead = true;
    return survives;
  }

  @Override
  public Connection connect(Path file) throws SQLException {
    if (isDead()) {
      throw new SQLException("the process was killed");
    }
    Connection real = LedgerSchema.connect(file);
    return (Connection)
        Proxy.newProxyInstance(
            DyingDisk.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("commit") && !survives()) {
                throw new SQLException("the process was killed");
              }
              try {
                return method.invoke(real, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
