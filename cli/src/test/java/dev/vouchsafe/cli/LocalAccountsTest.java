package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LocalAccountsTest {
  private static LocalAccounts of(LocalAccounts.LookUp users, Duration patience) {
    return new LocalAccounts(
        users,
        name -> {
          throw new UserPrincipalNotFoundException(name);
        },
        patience);
  }

  @Test
  void theSystemsOwnAreFoundAndOthersAreNot() {
    LocalAccounts accounts = LocalAccounts.ofSystem();
    assertThat(accounts.user("root")).isEqualTo(LocalAccounts.Found.THERE);
    assertThat(accounts.group("root")).isEqualTo(LocalAccounts.Found.THERE);
    assertThat(accounts.user("no-such-user")).isEqualTo(LocalAccounts.Found.ABSENT);
    assertThat(accounts.group("no-such-group")).isEqualTo(LocalAccounts.Found.ABSENT);
  }

  @Test
  void aNameServiceThatFailsSaysNothingAboutTheName() {
    LocalAccounts accounts =
        of(
            name -> {
              throw new IOException("broken");
            },
            Duration.ofSeconds(60));
    assertThat(accounts.user("a")).isEqualTo(LocalAccounts.Found.UNKNOWN);
    assertThat(accounts.group("a")).isEqualTo(LocalAccounts.Found.ABSENT);
  }

  @Test
  void oneThatHangsIsWaitedForOnce() {
    CountDownLatch end = new CountDownLatch(1);
    AtomicInteger asked = new AtomicInteger();
    LocalAccounts accounts =
        of(
            name -> {
              asked.incrementAndGet();
              try {
                end.await();
              } catch (InterruptedException e) {
                throw new IOException(e);
              }
              return name;
            },
            Duration.ofMillis(50));
    try {
      assertThat(accounts.user("a")).isEqualTo(LocalAccounts.Found.UNKNOWN);
      assertThat(accounts.user("b")).isEqualTo(LocalAccounts.Found.UNKNOWN);
      assertThat(accounts.group("c")).isEqualTo(LocalAccounts.Found.UNKNOWN);
      assertThat(asked).hasValue(1);
    } finally {
      end.countDown();
    }
  }
}
