package dev.vouchsafe.cli;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Whether this machine knows users and groups by name. The name service may ask a network and hang,
 * so it is waited for a bounded time, and not again once it did.
 */
final class LocalAccounts {
  /** Whether there is such an account. */
  enum Found {
    THERE,
    ABSENT,
    /** The name service failed, or did not answer. */
    UNKNOWN
  }

  /** A look-up by name. */
  @FunctionalInterface
  interface LookUp {
    /**
     * Looks.
     *
     * @throws UserPrincipalNotFoundException if there is no such account
     */
    Object find(String name) throws IOException;
  }

  private final LookUp users;
  private final LookUp groups;
  private final Duration patience;
  private boolean stuck;

  LocalAccounts(LookUp users, LookUp groups, Duration patience) {
    this.users = users;
    this.groups = groups;
    this.patience = patience;
  }

  /** Those of the system's name service. */
  static LocalAccounts ofSystem() {
    UserPrincipalLookupService names = FileSystems.getDefault().getUserPrincipalLookupService();
    return new LocalAccounts(
        names::lookupPrincipalByName, names::lookupPrincipalByGroupName, Duration.ofSeconds(3));
  }

  Found user(String name) {
    return find(users, name);
  }

  Found group(String name) {
    return find(groups, name);
  }

  private Found find(LookUp lookUp, String name) {
    if (stuck) {
      return Found.UNKNOWN;
    }
    FutureTask<Optional<Object>> asked =
        new FutureTask<>(() -> {
          try {
            return Optional.of(lookUp.find(name));
          } catch (UserPrincipalNotFoundException e) {
            return Optional.empty();
          }
        });
    // A thread that hangs in the C library can't be stopped, and must not keep the process.
    Thread.ofPlatform().daemon().name("vouchsafe-names").start(asked);
    try {
      return asked.get(patience.toMillis(), TimeUnit.MILLISECONDS).isPresent()
          ? Found.THERE
          : Found.ABSENT;
    } catch (ExecutionException e) {
      return Found.UNKNOWN;
    } catch (TimeoutException e) {
      stuck = true;
      return Found.UNKNOWN;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Found.UNKNOWN;
    }
  }
}
