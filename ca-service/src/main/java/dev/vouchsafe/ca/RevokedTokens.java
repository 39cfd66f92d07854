package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.RevocationLedger.RevokedToken;
import dev.vouchsafe.ca.clock.TrustedClock;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/**
 * Tokens that were revoked, by their ids: in the ledger, and in the file {@code
 * revoked-tokens.json}, so that whoever verifies without the service knows of them. An id leaves
 * the file when no token of its block can live any more, and the ledger never.
 */
final class RevokedTokens {
  private static final System.Logger LOG = System.getLogger(RevokedTokens.class.getName());

  private final RevocationLedger ledger;
  private final RevocationAftermath aftermath;
  private final TrustedClock clock;
  private final RevokedTokensFile file;

  /** What the file named that the ledger may not know, by id. */
  private final Map<String, RevokedToken> adopted = new TreeMap<>();

  private volatile String published = RevokedTokensFile.json(List.of());
  private volatile String fault = "";

  RevokedTokens(
      Path directory, RevocationLedger ledger, RevocationAftermath aftermath, TrustedClock clock) {
    this.ledger = ledger;
    this.aftermath = aftermath;
    this.clock = clock;
    this.file = new RevokedTokensFile(directory);
  }

  /**
   * Publishes what the ledger has, and what the file has already: an older ledger may stand in the
   * place of the one that it was made from.
   */
  void start() throws IssuanceException {
    Map<String, RevokedToken> named = named();
    List<RevokedToken> known = ledger.revokedTokens();
    known.forEach(it -> named.remove(it.id()));
    adopted.putAll(named);
    if (!named.isEmpty()) {
      adopt(named.values());
    }
    if (!known.isEmpty() || !named.isEmpty()) {
      publish();
    }
  }

  private Map<String, RevokedToken> named() {
    Map<String, RevokedToken> named = new TreeMap<>();
    try {
      file.read().forEach(it -> named.put(it.id(), it));
    } catch (IOException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "the file of revoked tokens can''t be read: {0}",
          e.getMessage());
    }
    return named;
  }

  /** Nobody waits: until it is in the ledger, the file is where it stands. */
  private void adopt(Collection<RevokedToken> named) {
    LOG.log(
        System.Logger.Level.WARNING,
        "{0} tokens in {1} were not revoked in the ledger, and are again",
        named.size(),
        RevokedTokensFile.NAME);
    var _ =
        ledger
            .adoptTokens(List.copyOf(named), clock.instant())
            .whenComplete((done, failure) -> {
              if (failure != null) {
                LOG.log(
                    System.Logger.Level.WARNING,
                    "the ledger can''t take them in now: {0}",
                    failure.getMessage());
              }
            });
  }

  /** How many of them were not revoked before; all are, on the disk, when it returns. */
  long revoke(List<String> ids, long administrator) throws IssuanceException {
    for (String id : ids) {
      if (!RevokedTokensFile.isId(id)) {
        throw new IssuanceException(
            Reason.REQUEST_INVALID, "ids: a token's id is 27 digits of 0-9 a-f, its claim jti");
      }
      if (!ledger.knowsToken(id)) {
        throw new IssuanceException(Reason.CERTIFICATE_UNKNOWN, "no token has the id " + id);
      }
    }
    CompletableFuture<Long> write = ledger.revokeTokens(ids, clock.instant(), administrator);
    return aftermath.await(write, this::publish);
  }

  private synchronized void publish() throws IssuanceException {
    // By a time that isn't certain, a token that seems to have ended may not have.
    Instant endAfter = clock.isCertain() ? clock.instant() : Instant.EPOCH;
    Map<String, RevokedToken> all = new TreeMap<>(adopted);
    ledger.revokedTokens().forEach(it -> all.put(it.id(), it));
    String next =
        RevokedTokensFile.json(
            all.values().stream().filter(it -> it.latestExpiry().isAfter(endAfter)).toList());
    published = next;
    keep(next);
  }

  private void keep(String content) {
    try {
      file.hold(content);
      fault = "";
    } catch (IOException e) {
      String why = RevokedTokensFile.NAME + " can't be written: " + e.getMessage();
      if (!why.equals(fault)) {
        LOG.log(System.Logger.Level.WARNING, why);
      }
      fault = why;
    }
  }

  /** Writes the file again if that failed. */
  synchronized void retry() {
    if (!fault.isEmpty()) {
      keep(published);
    }
  }

  /** What keeps the file from saying so; empty if nothing does. */
  String fault() {
    return fault;
  }

  /** The content of the file. */
  String json() {
    return published;
  }
}
