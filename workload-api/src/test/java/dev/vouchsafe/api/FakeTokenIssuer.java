package dev.vouchsafe.api;

import dev.vouchsafe.ca.Grant;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.IssuedToken;
import dev.vouchsafe.ca.TokenIssuer;
import dev.vouchsafe.ca.TokenRequest;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** The real issuer, except that the test can break it, and see what was asked of it. */
final class FakeTokenIssuer implements TokenIssuer {
  final List<Grant> grants = new CopyOnWriteArrayList<>();
  final List<TokenRequest> requests = new CopyOnWriteArrayList<>();

  /** From now on issuing ends like that. */
  volatile IssuanceException.@Nullable Reason broken;

  /** Keys in place of the real ones. */
  volatile @Nullable String jwks;

  private final TokenIssuer real;

  FakeTokenIssuer(TokenIssuer real) {
    this.real = real;
  }

  @Override
  public CompletableFuture<IssuedToken> issue(Grant grant, TokenRequest request) {
    grants.add(grant);
    requests.add(request);
    IssuanceException.Reason reason = broken;
    if (reason != null) {
      return CompletableFuture.failedFuture(
          new IssuanceException(reason, "said of " + reason.code()));
    }
    return real.issue(grant, request);
  }

  @Override
  public String jwks() {
    String other = jwks;
    return other != null ? other : real.jwks();
  }
}
