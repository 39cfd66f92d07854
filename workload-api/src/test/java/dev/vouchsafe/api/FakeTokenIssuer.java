package dev.vouchsafe.api;

import dev.vouchsafe.ca.Grant;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.IssuedToken;
import dev.vouchsafe.ca.TokenIssuer;
import dev.vouchsafe.ca.TokenRequest;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** An issuer whose tokens nobody would believe, that tells what was asked of it. */
final class FakeTokenIssuer implements TokenIssuer {
  static final Instant EXPIRES = Instant.parse("2031-02-03T04:05:06Z");
  static final Instant RENEW = Instant.parse("2031-02-03T04:02:36Z");

  final List<Grant> grants = new CopyOnWriteArrayList<>();
  final List<TokenRequest> requests = new CopyOnWriteArrayList<>();
  volatile String jwks = "{\"keys\":[]}";

  /** From now on issuing ends like that. */
  volatile IssuanceException.@Nullable Reason broken;

  @Override
  public IssuedToken issue(Grant grant, TokenRequest request) throws IssuanceException {
    grants.add(grant);
    requests.add(request);
    IssuanceException.Reason reason = broken;
    if (reason != null) {
      throw new IssuanceException(reason, "said of " + reason.code());
    }
    if (!grant.audiences().containsAll(request.audience())) {
      throw new IssuanceException(
          IssuanceException.Reason.AUDIENCE_NOT_GRANTED, "audience: is not granted");
    }
    return new IssuedToken("aaa.bbb.ccc", "id", EXPIRES, RENEW);
  }

  @Override
  public String jwks() {
    return jwks;
  }
}
