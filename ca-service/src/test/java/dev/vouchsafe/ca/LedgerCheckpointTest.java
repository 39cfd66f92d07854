package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What follows a commit may fail, as on a full disk: what was committed is told as done. */
class LedgerCheckpointTest {
  @TempDir Path folder;

  @BeforeEach
  void make() throws Exception {
    Ledger.create(folder).close();
  }

  /** A disk that takes the log, and nothing of it into the database. */
  private static final class NoRoomForTheLog implements LedgerSchema.Connector {
    final AtomicBoolean armed = new AtomicBoolean();
    final AtomicInteger refused = new AtomicInteger();
    final AtomicInteger opened = new AtomicInteger();

    @Override
    public Connection connect(Path file) throws SQLException {
      opened.incrementAndGet();
      Connection real = LedgerSchema.connect(file);
      return proxy(
          Connection.class,
          real,
          result ->
              result instanceof Statement made ? proxy(Statement.class, made, it -> it) : result);
    }

    private interface Wrapping {
      Object of(Object result);
    }

    private <T> T proxy(Class<T> type, T real, Wrapping wrapping) {
      return type.cast(
          Proxy.newProxyInstance(
              NoRoomForTheLog.class.getClassLoader(),
              new Class<?>[] {type},
              (proxy, method, arguments) -> {
                if (armed.get()
                    && arguments != null
                    && String.valueOf(arguments[0]).contains("wal_checkpoint")) {
                  refused.incrementAndGet();
                  throw new SQLException("[SQLITE_FULL] refused by the test");
                }
                try {
                  Object result = method.invoke(real, arguments);
                  return method.getName().equals("createStatement") ? wrapping.of(result) : result;
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              }));
    }
  }

  private static LedgerQueue.Write module(String name) {
    return ledger -> {
      long _ = ledger.module(name);
    };
  }

  @Test
  void aLogThatCanNotBeCopiedBackFailsNobodyWhoseCommitIsOnTheDisk() throws Exception {
    NoRoomForTheLog disk = new NoRoomForTheLog();
    try (LedgerWriter writer = new LedgerWriter(folder.resolve("ca.db"), disk)) {
      disk.armed.set(true);
      // In one group, since another one is announced.
      writer.announce();
      CompletableFuture<?> durable = writer.durable(module("one"));
      CompletableFuture<?> measured = writer.measured();
      writer.retract();
      durable.join();
      measured.join();
      assertThat(disk.refused).hasPositiveValue();
      assertThat(LedgerPeek.count(folder, "module")).isOne();
      // On a connection of its own, since nobody knows how that one was left.
      assertThat(disk.opened).hasValue(1);
      writer.durable(module("two")).join();
      assertThat(disk.opened).hasValue(2);
      disk.armed.set(false);
      writer.measured().join();
      writer.durable(module("three")).join();
      assertThat(LedgerPeek.count(folder, "module")).isEqualTo(3);
    }
  }

  @Test
  void aCommitThatFailsIsStillTold() throws Exception {
    DyingDisk disk = new DyingDisk();
    try (LedgerWriter writer = new LedgerWriter(folder.resolve("ca.db"), disk)) {
      disk.arm(1, false);
      assertThatThrownBy(() -> writer.durable(module("one")).join())
          .isInstanceOf(CompletionException.class)
          .hasCauseInstanceOf(IssuanceException.class);
      assertThat(LedgerPeek.count(folder, "module")).isZero();
    }
  }
}
