package dev.vouchsafe.ca;

import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.util.JSONObjectUtils;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which token keys there are at one moment. None is ever left out of it, whatever the clock says.
 *
 * @param active signs
 * @param activeSince since when
 * @param next takes over, unless it could not be made yet
 * @param retired those that signed, the oldest first
 */
record TokenKeyRing(
    TokenKey active, Instant activeSince, Optional<TokenKey> next, List<TokenKey> retired) {
  /** The set of no keys. */
  static final String EMPTY = "{\"keys\":[]}";

  /** So many that retired last stay in the set while our clock alone says that they ended. */
  static final int KEPT = 2;

  /** Clocks of those who verify may run behind ours by this. */
  static final Duration SKEW = Duration.ofMinutes(5);

  TokenKeyRing {
    retired = List.copyOf(retired);
  }

  /**
   * The keys of the ledger.
   *
   * @param before keys that are known by these are not unsealed anew
   */
  static TokenKeyRing of(
      List<KeyLedger.StoredTokenKey> stored, @Nullable TokenKeyRing before, SoftwareCrypto crypto)
      throws KeyFault {
    TokenKey active = null;
    Instant activeSince = Instant.EPOCH;
    Optional<TokenKey> next = Optional.empty();
    List<TokenKey> retired = new ArrayList<>();
    for (KeyLedger.StoredTokenKey row : stored) {
      Optional<TokenKey> known = before == null ? Optional.empty() : before.find(row.kid());
      TokenKey key = known.isPresent() ? known.get() : TokenKey.of(row, crypto);
      switch (row.state()) {
        case ACTIVE -> {
          active = key;
          activeSince = row.since();
        }
        case NEXT -> next = Optional.of(key);
        case RETIRED -> retired.add(key);
      }
    }
    if (active == null) {
      throw new KeyFault.Failed("the ledger has lost the active token key: restore a backup of it");
    }
    return new TokenKeyRing(active, activeSince, next, retired);
  }

  /**
   * Every key that signs or will sign, unsealed by the one and sealed by the other.
   *
   * @return by kid
   */
  Map<String, Blob> sealedBy(Sealer present, Sealer other) throws KeyFault {
    Map<String, Blob> sealed = new HashMap<>();
    sealed.put(active.kid(), active.sealedBy(other));
    if (next.isPresent()) {
      next.get().unseal(present);
      sealed.put(next.get().kid(), next.get().sealedBy(other));
    }
    return sealed;
  }

  /** The ring with a next key where there was none. */
  TokenKeyRing withNext(TokenKey fresh) {
    return new TokenKeyRing(active, activeSince, Optional.of(fresh), retired);
  }

  /** The ring after the next key took over. */
  TokenKeyRing rotated(TokenKey taking, Instant now, Optional<TokenKey> fresh) {
    List<TokenKey> out = new ArrayList<>(retired);
    out.add(active);
    return new TokenKeyRing(taking, now, fresh, out);
  }

  /**
   * Whether it was made or rotated by a clock that was ahead: by now's, it would stay for years.
   */
  boolean isOfTheFuture(Instant now) {
    Instant latest = now.plus(SKEW);
    return activeSince.isAfter(latest)
        || active.created().isAfter(latest)
        || next.filter(key -> key.created().isAfter(latest)).isPresent();
  }

  /** The ring with no time later than that. */
  TokenKeyRing rebased(Instant now) {
    active.rebase(now);
    next.ifPresent(key -> key.rebase(now));
    return new TokenKeyRing(active, activeSince.isAfter(now) ? now : activeSince, next, retired);
  }

  /** Whether the active key has signed for that long. */
  boolean isOver(Duration life, Instant now) {
    return !now.isBefore(activeSince.plus(life));
  }

  private Optional<TokenKey> find(String kid) {
    List<TokenKey> all = new ArrayList<>(retired);
    all.add(active);
    next.ifPresent(all::add);
    return all.stream().filter(key -> key.kid().equals(kid)).findAny();
  }

  /**
   * The JSON Web Key Set (RFC 7517 section 5) at that time.
   *
   * @param keepsNewest whether the {@link #KEPT} that retired last are in it whatever the time
   */
  String jwks(Instant now, boolean keepsNewest) {
    List<JWK> keys = new ArrayList<>();
    keys.add(active.jwk());
    next.ifPresent(key -> keys.add(key.jwk()));
    for (int i = 0; i < retired.size(); i++) {
      if (isIn(i, now, keepsNewest)) {
        keys.add(retired.get(i).jwk());
      }
    }
    return JSONObjectUtils.toJSONString(new JWKSet(keys).toJSONObject(true));
  }

  /** Until then, the set at that time is incomplete; never, if no key is left out of it. */
  Instant lacksKeysUntil(Instant now, boolean keepsNewest) {
    Instant last = Instant.MIN;
    for (int i = 0; i < retired.size(); i++) {
      Instant until = wantedUntil(retired.get(i));
      last = !isIn(i, now, keepsNewest) && until.isAfter(last) ? until : last;
    }
    return last;
  }

  private boolean isIn(int place, Instant now, boolean keepsNewest) {
    return (keepsNewest && place >= retired.size() - KEPT)
        || !now.isAfter(wantedUntil(retired.get(place)));
  }

  private static Instant wantedUntil(TokenKey retired) {
    return retired.latestExpiry().plus(SKEW);
  }
}
