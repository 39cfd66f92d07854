package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The revocation lists of one authority, one after the other. Changed by the publisher's thread;
 * what is served is read by any.
 */
final class CrlLine {
  /**
   * The list that is served.
   *
   * @param covers number of the last revocation that it names
   * @param renewAt when the next one is to be made
   * @param doubted whether it was made while the time was not trusted
   */
  record Served(RevocationList list, long covers, Instant renewAt, boolean doubted) {}

  private final StoredAuthority authority;
  private final Issuer issuer;
  private volatile @Nullable Served served;
  private volatile String fault = "";
  private volatile long unlisted;
  private volatile boolean signs;
  private volatile boolean stranger;
  private @Nullable Long failedAt;

  CrlLine(StoredAuthority authority, Issuer issuer) {
    this.authority = authority;
    this.issuer = issuer;
  }

  StoredAuthority authority() {
    return authority;
  }

  Issuer issuer() {
    return issuer;
  }

  String id() {
    return authority.row().id();
  }

  long row() {
    return authority.row().row();
  }

  Optional<Served> served() {
    return Optional.ofNullable(served);
  }

  /** Up to which revocation the list that is served goes. */
  long covers() {
    Served now = served;
    return now == null ? 0 : now.covers();
  }

  /** That list is served from now on, and nothing is wrong. */
  void serve(Served next) {
    served = next;
    fault = "";
    failedAt = null;
  }

  /** The list that is served is kept, too. */
  void mended() {
    fault = "";
    failedAt = null;
  }

  /**
   * Making one failed, or it can't be kept.
   *
   * @param nanos when, by the time that never jumps
   */
  void failed(String why, long nanos) {
    fault = why;
    failedAt = nanos;
  }

  /** Whether the last attempt failed less than that long ago. */
  boolean rests(long nanos, Duration pause) {
    Long failed = failedAt;
    return failed != null && nanos - failed < pause.toNanos();
  }

  /** How many revocations the list that is served lacks. */
  void lacks(long count) {
    unlisted = count;
  }

  /** Whether its key can be had. */
  void signs(boolean can) {
    signs = can;
  }

  /** The list that is served is of another history than the ledger: an old backup was restored. */
  void strange() {
    stranger = true;
  }

  boolean isStrange() {
    return stranger;
  }

  /** What the list names, the ledger knows now. */
  void adopted() {
    stranger = false;
  }

  String fault() {
    return fault;
  }

  RevocationListStatus status() {
    return new RevocationListStatus(id(), served().map(Served::list), unlisted, signs, fault);
  }

  /**
   * Whether another list is to be made.
   *
   * <p>By a time that isn't trusted, one is made only for a new revocation: a list that says too
   * early a time would be refused as old, and one that says too late a time would be believed for
   * too long.
   *
   * @param last number of the authority's last revocation
   * @param longest from one list to the next
   */
  boolean isDue(TrustedLook look, long last, Duration longest) {
    Served now = served;
    if (now == null || last > now.covers()) {
      return true;
    }
    if (!look.trusted()) {
      return false;
    }
    RevocationList list = now.list();
    return now.doubted()
        || list.thisUpdate().isAfter(look.now())
        || list.nextUpdate().isAfter(look.now().plus(longest))
        || !look.now().isBefore(now.renewAt());
  }

  /** The time, and whether it is trusted. */
  record TrustedLook(Instant now, boolean trusted) {}
}
