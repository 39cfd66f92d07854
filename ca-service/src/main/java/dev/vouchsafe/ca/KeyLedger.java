package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The ledger's tables of sealed secrets, token keys, blocks of token ids, the audit key, and
 * disclosures. Whatever is written here is on the disk when the call returns, or the future
 * completes; what finds the ledger otherwise than it expects fails alone.
 */
final class KeyLedger {
  /** A secret that the key store sealed, under its name. */
  record SealedSecret(String name, Blob sealed) {}

  /** Where a token key stands. */
  enum KeyState {
    /** Announced, and not used yet. */
    NEXT("next"),
    /** It signs. */
    ACTIVE("active"),
    /** It signed; its last tokens may not have ended yet. */
    RETIRED("retired");

    private final String text;

    KeyState(String text) {
      this.text = text;
    }

    private static KeyState parse(String text) throws SQLException {
      for (KeyState state : values()) {
        if (state.text.equals(text)) {
          return state;
        }
      }
      throw new SQLException("a token key of state " + text);
    }
  }

  /**
   * A token key as it is kept.
   *
   * @param kid the RFC 7638 thumbprint of its public half
   * @param spki its public half, SubjectPublicKeyInfo in DER
   * @param sealed its private half, sealed
   * @param since when it came into that state
   * @param created when it was made and announced
   * @param latestExpiry the latest end that any block of ids under it allows
   */
  record StoredTokenKey(
      String kid,
      Blob spki,
      Blob sealed,
      KeyState state,
      Instant since,
      Instant created,
      Instant latestExpiry) {}

  /**
   * A block of token ids to reserve.
   *
   * @param prefix random octets, in no other block
   * @param size how many ids
   * @param module whose tokens
   * @param generation the module's generation id
   * @param kid the key that signs them
   * @param reserved now
   * @param latestExpiry the latest end of a token with one of these ids
   */
  record Block(
      Blob prefix,
      int size,
      String module,
      String generation,
      String kid,
      Instant reserved,
      Instant latestExpiry) {}

  /**
   * The audit key as it is kept.
   *
   * @param spki its public half, SubjectPublicKeyInfo in DER
   * @param sealed its private half, sealed
   */
  record StoredAuditKey(Blob spki, Blob sealed) {}

  /** A key that was shown to a person. */
  record Disclosure(
      Instant at,
      String administrator,
      String action,
      String module,
      String generation,
      String which) {}

  private static final Duration START_WAITS = Duration.ofSeconds(10);

  /** An administrator waits on one of the few workers. */
  private static final Duration DISCLOSURE_WAITS = Duration.ofSeconds(2);

  private static final String TOKEN_KEYS =
      """
      SELECT kid, spki, sealed, state, created, activated, retired,
        (SELECT MAX(latest_expiry) FROM token_block WHERE token_block.token_key = token_key.id)
      FROM token_key ORDER BY id\
      """;

  private final LedgerWriter writer;
  private final LedgerReader reader;
  private final LedgerBudget budget;

  KeyLedger(LedgerWriter writer, LedgerReader reader, LedgerBudget budget) {
    this.budget = budget;
    this.writer = writer;
    this.reader = reader;
  }

  List<SealedSecret> secrets() throws IssuanceException {
    return read(
        "SELECT name, sealed FROM sealed_secret",
        row -> new SealedSecret(row.getString(1), new Blob(row.getBytes(2))));
  }

  /** Keeps these secrets, all or none; none if one of that name is there already. */
  void keepSecrets(List<SealedSecret> secrets, Instant now) throws IssuanceException {
    await(
        writer.conditional(ledger -> {
          for (SealedSecret secret : secrets) {
            ledger.changeOne(
                "INSERT INTO sealed_secret(name, sealed, created) VALUES (?,?,?)",
                secret.name(),
                secret.sealed().octets(),
                now.getEpochSecond());
          }
        }),
        START_WAITS);
  }

  /** Part of a write: puts everything that is sealed in the place of what was. */
  static void replace(LedgerStatements ledger, SealedAnew anew) throws SQLException {
    for (SealedSecret secret : anew.secrets()) {
      ledger.changeOne(
          "UPDATE sealed_secret SET sealed = ? WHERE name = ?",
          secret.sealed().octets(),
          secret.name());
    }
    for (Map.Entry<String, Blob> key : anew.tokenKeys().entrySet()) {
      ledger.changeOne(
          "UPDATE token_key SET sealed = ? WHERE kid = ? AND state <> 'retired'",
          key.getValue().octets(),
          key.getKey());
    }
    // Nothing is left that only the other store could open.
    ledger.requireCount("SELECT COUNT(*) FROM sealed_secret", anew.secrets().size());
    ledger.requireCount(
        "SELECT COUNT(*) FROM token_key WHERE state <> 'retired'", anew.tokenKeys().size());
    ledger.changeOne("UPDATE audit_key SET sealed = ?", anew.auditKey().octets());
    // They never sign again.
    ledger.change("UPDATE token_key SET sealed = x'' WHERE state = 'retired'");
    ledger.eraseReplaced();
  }

  /** The audit key, if it was made. */
  Optional<StoredAuditKey> auditKey() throws IssuanceException {
    return read(
            "SELECT spki, sealed FROM audit_key",
            row -> new StoredAuditKey(new Blob(row.getBytes(1)), new Blob(row.getBytes(2))))
        .stream()
        .findFirst();
  }

  /** Keeps the audit key; fails if there is one. */
  void keepAuditKey(StoredAuditKey key, Instant now) throws IssuanceException {
    await(
        writer.conditional(ledger ->
            ledger.changeOne(
                "INSERT INTO audit_key(id, spki, sealed, created) VALUES (1,?,?,?)",
                key.spki().octets(),
                key.sealed().octets(),
                now.getEpochSecond())),
        START_WAITS);
  }

  /** Every token key that was ever made, the oldest first. */
  List<StoredTokenKey> tokenKeys() throws IssuanceException {
    return read(TOKEN_KEYS, KeyLedger::tokenKey);
  }

  private static StoredTokenKey tokenKey(ResultSet row) throws SQLException {
    KeyState state = KeyState.parse(row.getString(4));
    int since =
        switch (state) {
          case NEXT -> 5;
          case ACTIVE -> 6;
          case RETIRED -> 7;
        };
    return new StoredTokenKey(
        row.getString(1),
        new Blob(row.getBytes(2)),
        new Blob(row.getBytes(3)),
        state,
        Instant.ofEpochSecond(row.getLong(since)),
        Instant.ofEpochSecond(row.getLong(5)),
        Instant.ofEpochSecond(row.getLong(8)));
  }

  /** Keeps the first two keys. */
  void keepFirst(StoredTokenKey active, StoredTokenKey next) throws IssuanceException {
    await(
        writer.conditional(ledger -> {
          insert(ledger, active);
          insert(ledger, next);
        }),
        START_WAITS);
  }

  /**
   * Keeps a next key where there is none.
   *
   * @return completes on the ledger's thread, as of every write here; exceptionally with {@link
   *     Reason#LEDGER_UNAVAILABLE}, also if the ledger is not as this expects it
   */
  CompletableFuture<?> keepNext(StoredTokenKey next) {
    return writer.conditional(ledger -> insert(ledger, next));
  }

  /** Has the times of a key that is in use be no later than that: the clock was ahead. */
  CompletableFuture<?> rebase(String kid, Instant now) {
    long at = now.getEpochSecond();
    return writer.conditional(ledger ->
        ledger.changeOne(
            "UPDATE token_key SET created = MIN(created, ?), activated = MIN(activated, ?)"
                + " WHERE kid = ? AND state <> 'retired'",
            at,
            at,
            kid));
  }

  /**
   * Lets the next key take over, and keeps the one after it, if there is one.
   *
   * @param retiring kid of the one that signed until now
   * @param taking kid of the one that takes over
   */
  CompletableFuture<?> takeOver(
      String retiring, String taking, Optional<StoredTokenKey> next, Instant now) {
    long at = now.getEpochSecond();
    return writer.conditional(ledger -> {
      ledger.changeOne(
          "UPDATE token_key SET state = 'retired', retired = ? WHERE kid = ? AND state = 'active'",
          at,
          retiring);
      ledger.changeOne(
          "UPDATE token_key SET state = 'active', activated = ? WHERE kid = ? AND state = 'next'",
          at,
          taking);
      if (next.isPresent()) {
        insert(ledger, next.get());
      }
    });
  }

  private static void insert(LedgerStatements ledger, StoredTokenKey key) throws SQLException {
    if (key.state() == KeyState.ACTIVE) {
      ledger.changeOne(
          "INSERT INTO token_key(kid, spki, sealed, created, state, activated)"
              + " VALUES (?,?,?,?,'active',?)",
          key.kid(),
          key.spki().octets(),
          key.sealed().octets(),
          key.created().getEpochSecond(),
          key.since().getEpochSecond());
    } else {
      ledger.changeOne(
          "INSERT INTO token_key(kid, spki, sealed, created, state) VALUES (?,?,?,?,'next')",
          key.kid(),
          key.spki().octets(),
          key.sealed().octets(),
          key.created().getEpochSecond());
    }
  }

  /**
   * Reserves a block of token ids.
   *
   * @return completes on the ledger's thread when the block is on the disk, exceptionally with
   *     {@link Reason#LEDGER_UNAVAILABLE}
   */
  CompletableFuture<?> reserve(Block block) {
    if (budget.isFull()) {
      return CompletableFuture.failedFuture(
          new IssuanceException(
              Reason.LEDGER_UNAVAILABLE, "the ledger has reached [limits] ledger-mb"));
    }
    return writer.conditional(ledger ->
        ledger.changeOne(
            "INSERT INTO token_block(prefix, size, module, generation, token_key, reserved,"
                + " latest_expiry) SELECT ?, ?, ?, ?, id, ?, ? FROM token_key WHERE kid = ?",
            block.prefix().octets(),
            block.size(),
            ledger.module(block.module()),
            block.generation(),
            block.reserved().getEpochSecond(),
            block.latestExpiry().getEpochSecond(),
            block.kid()));
  }

  void note(Disclosure disclosure) throws IssuanceException {
    await(
        writer.conditional(ledger ->
            ledger.changeOne(
                "INSERT INTO disclosure(at, administrator, action, module, generation, which)"
                    + " VALUES (?,?,?,?,?,?)",
                disclosure.at().getEpochSecond(),
                disclosure.administrator(),
                disclosure.action(),
                ledger.module(disclosure.module()),
                disclosure.generation(),
                disclosure.which())),
        DISCLOSURE_WAITS);
  }

  /**
   * Waits for a write, but not for ever: whoever waits can't tell then whether it was done.
   *
   * @throws IssuanceException {@link Reason#LEDGER_UNAVAILABLE}
   */
  static void await(CompletableFuture<?> write, Duration longest) throws IssuanceException {
    try {
      write.get(longest.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IssuanceException known
          ? new IssuanceException(known.reason(), String.valueOf(known.getMessage()), known)
          : new IssuanceException(Reason.LEDGER_UNAVAILABLE, "the ledger can't be written", e);
    } catch (TimeoutException e) {
      throw new IssuanceException(
          Reason.LEDGER_UNAVAILABLE, "the ledger's disk does not answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IssuanceException(Reason.LEDGER_UNAVAILABLE, "interrupted", e);
    }
  }

  private <T> List<T> read(String sql, LedgerReader.RowReader<T> row) throws IssuanceException {
    try {
      return reader.all(sql, row);
    } catch (SQLException e) {
      throw new IssuanceException(Reason.LEDGER_UNAVAILABLE, "the ledger can't be read", e);
    }
  }
}
