package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Hands out token ids, each once for ever: 24 hexadecimal digits of its block, which are random,
 * and 3 of its place in the block.
 *
 * <p>A block is durable in the ledger before its first id is handed out, and no token outlives the
 * latest end that is recorded with it. The rest of a block is lost when the service ends or when it
 * has too many modules to remember; ids are not scarce. The random part keeps them apart also after
 * an old backup of the ledger was restored.
 */
final class TokenIds {
  static final int BLOCK_SIZE = 4096;

  /**
   * A block takes tokens that end up to this long after the longest-lived one of its first hour.
   */
  private static final Duration WINDOW = Duration.ofHours(24);

  /** In octets. */
  static final int PREFIX = 12;

  private static final int MOST_REMEMBERED = 4096;

  /** More are told at once that there are too many, so that a stalled disk costs no memory. */
  static final int MOST_WAITING = 4096;

  private record Use(String module, String generation, String kid) {}

  private final KeyLedger ledger;
  private final Duration cap;
  private final Duration longestWait;
  private final AtomicInteger waiting = new AtomicInteger();
  private final SecureRandom random = new SecureRandom();
  private final Map<Use, Cursor> cursors =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Use, Cursor> eldest) {
          return size() > MOST_REMEMBERED;
        }
      };

  TokenIds(KeyLedger ledger, Duration cap, Duration longestWait) {
    this.ledger = ledger;
    this.cap = cap;
    this.longestWait = longestWait;
  }

  /**
   * An id for a token that ends then.
   *
   * @return completes on the ledger's thread, or has completed already; exceptionally with {@link
   *     Reason#LEDGER_UNAVAILABLE} if no block can be reserved, too many wait for one, or one waits
   *     for too long
   */
  CompletableFuture<String> next(Grant grant, TokenKey key, Instant now, Instant expiry) {
    Use use = new Use(grant.module(), grant.generation(), key.kid());
    Cursor cursor;
    synchronized (cursors) {
      cursor = cursors.computeIfAbsent(use, it -> new Cursor(it, key));
    }
    return cursor.next(now, expiry);
  }

  private static final class Block {
    private final String prefix;
    private final Instant latestExpiry;
    private int used;

    Block(byte[] prefix, Instant latestExpiry) {
      this.prefix = Octets.hex(prefix);
      this.latestExpiry = latestExpiry;
    }

    boolean has(Instant expiry) {
      return used < BLOCK_SIZE && !expiry.isAfter(latestExpiry);
    }

    String take() {
      String place = Integer.toHexString(BLOCK_SIZE + used).substring(1);
      used++;
      return prefix + place;
    }
  }

  /** One who waits for an id. */
  private record Waiter(Instant now, Instant expiry, CompletableFuture<String> id) {}

  /** An id, and who gets it. */
  private record Handing(Waiter to, String id) {}

  /**
   * Where one module's ids under one key stand. Those who find none wait for one block together.
   */
  private final class Cursor {
    private final Use use;
    private final TokenKey key;

    /** In the order in which they came. */
    private final Set<Waiter> line = new LinkedHashSet<>();

    private @Nullable Block block;
    private boolean reserving;

    Cursor(Use use, TokenKey key) {
      this.use = use;
      this.key = key;
    }

    CompletableFuture<String> next(Instant now, Instant expiry) {
      Waiter waiter;
      synchronized (this) {
        Block current = block;
        if (current != null && current.has(expiry)) {
          return CompletableFuture.completedFuture(current.take());
        }
        if (waiting.incrementAndGet() > MOST_WAITING) {
          waiting.decrementAndGet();
          return CompletableFuture.failedFuture(
              new IssuanceException(Reason.LEDGER_UNAVAILABLE, "too many wait for token ids"));
        }
        waiter = new Waiter(now, expiry, new CompletableFuture<>());
        line.add(waiter);
        if (reserving) {
          return patient(waiter);
        }
        reserving = true;
      }
      CompletableFuture<String> id = patient(waiter);
      reserve(now, expiry);
      return id;
    }

    /** Ends the waiting in time, and then takes him out of the line. */
    private CompletableFuture<String> patient(Waiter waiter) {
      return waiter
          .id()
          .orTimeout(longestWait.toNanos(), TimeUnit.NANOSECONDS)
          .handle((id, failure) -> {
            waiting.decrementAndGet();
            synchronized (this) {
              line.remove(waiter);
            }
            if (failure instanceof TimeoutException) {
              throw new CompletionException(
                  new IssuanceException(
                      Reason.LEDGER_UNAVAILABLE, "the ledger's disk does not answer", failure));
            }
            if (failure != null) {
              throw new CompletionException(failure);
            }
            return id;
          });
    }

    private void reserve(Instant now, Instant expiry) {
      byte[] prefix = new byte[PREFIX];
      random.nextBytes(prefix);
      Instant latest = now.plus(cap).plus(WINDOW);
      if (latest.isBefore(expiry)) {
        latest = expiry;
      }
      Block fresh = new Block(prefix, latest);
      key.mayLiveUntil(latest);
      var _ =
          ledger
              .reserve(
                  new KeyLedger.Block(
                      new Blob(prefix),
                      BLOCK_SIZE,
                      use.module(),
                      use.generation(),
                      use.kid(),
                      now,
                      latest))
              .whenComplete((done, failure) -> {
                if (failure == null) {
                  arrived(fresh);
                } else {
                  failed(failure);
                }
              });
    }

    /** The one who waits longest fits into it; for who doesn't, another one is reserved. */
    private void arrived(Block fresh) {
      List<Handing> out = new ArrayList<>();
      Waiter left = null;
      synchronized (this) {
        block = fresh;
        for (Iterator<Waiter> all = line.iterator(); all.hasNext(); ) {
          Waiter waiter = all.next();
          if (fresh.has(waiter.expiry())) {
            out.add(new Handing(waiter, fresh.take()));
            all.remove();
          } else if (left == null) {
            left = waiter;
          }
        }
        reserving = left != null;
      }
      // Outside of the lock, since what hangs on it may run here.
      out.forEach(one -> one.to().id().complete(one.id()));
      if (left != null) {
        reserve(left.now(), left.expiry());
      }
    }

    private void failed(Throwable failure) {
      List<Waiter> out;
      synchronized (this) {
        out = List.copyOf(line);
        line.clear();
        reserving = false;
      }
      out.forEach(waiter -> waiter.id().completeExceptionally(failure));
    }
  }
}
