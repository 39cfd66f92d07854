package dev.vouchsafe.ca;

import java.time.Instant;
import java.util.Optional;

/**
 * How the revocation list of one authority stands.
 *
 * @param authority id of the authority
 * @param list the one that is served, if there is one
 * @param unlisted revocations that no list names yet
 * @param signs whether the authority still makes lists: one that is retired doesn't
 * @param fault why the last attempt to make one failed; empty if it didn't
 */
public record RevocationListStatus(
    String authority, Optional<RevocationList> list, long unlisted, boolean signs, String fault) {
  /** Whether the list that is served is older than it says that it would become. */
  public boolean isOverdue(Instant now) {
    return signs && list.filter(served -> now.isAfter(served.nextUpdate())).isPresent();
  }
}
