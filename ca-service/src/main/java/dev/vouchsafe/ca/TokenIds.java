package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
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

  private static final int PREFIX = 12;
  private static final int MOST_REMEMBERED = 4096;

  /** More rounds mean that thousands wait at once, or that the clock jumps to and fro. */
  private static final int MOST_ROUNDS = 16;

  private record Use(String module, String generation, String kid) {}

  private final KeyLedger ledger;
  private final Duration cap;
  private final SecureRandom random = new SecureRandom();
  private final Map<Use, Cursor> cursors =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Use, Cursor> eldest) {
          return size() > MOST_REMEMBERED;
        }
      };

  TokenIds(KeyLedger ledger, Duration cap) {
    this.ledger = ledger;
    this.cap = cap;
  }

  /**
   * An id for a token that ends then.
   *
   * @throws IssuanceException {@link Reason#LEDGER_UNAVAILABLE} if no block can be reserved
   */
  String next(Grant grant, TokenKey key, Instant now, Instant expiry) throws IssuanceException {
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

  /**
   * Where one module's ids under one key stand. Those who find none wait for one block together.
   */
  private final class Cursor {
    private final Use use;
    private final TokenKey key;
    private @Nullable Block block;
    private @Nullable CompletableFuture<?> coming;

    Cursor(Use use, TokenKey key) {
      this.use = use;
      this.key = key;
    }

    String next(Instant now, Instant expiry) throws IssuanceException {
      for (int round = 0; round < MOST_ROUNDS; round++) {
        CompletableFuture<?> awaited;
        synchronized (this) {
          Block current = block;
          if (current != null && current.has(expiry)) {
            return current.take();
          }
          awaited = coming == null ? reserve(now, expiry) : coming;
        }
        KeyLedger.await(awaited);
      }
      throw new IssuanceException(Reason.LEDGER_UNAVAILABLE, "too many wait for token ids");
    }

    private CompletableFuture<?> reserve(Instant now, Instant expiry) {
      byte[] prefix = new byte[PREFIX];
      random.nextBytes(prefix);
      Instant latest = now.plus(cap).plus(WINDOW);
      if (latest.isBefore(expiry)) {
        latest = expiry;
      }
      Block fresh = new Block(prefix, latest);
      key.mayLiveUntil(latest);
      CompletableFuture<?> reserved =
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
              .whenComplete((done, failure) -> arrived(failure == null ? fresh : null));
      coming = reserved.isDone() ? null : reserved;
      return reserved;
    }

    private synchronized void arrived(@Nullable Block fresh) {
      coming = null;
      if (fresh != null) {
        block = fresh;
      }
    }
  }
}
