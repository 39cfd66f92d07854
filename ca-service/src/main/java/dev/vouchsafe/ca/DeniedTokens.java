package dev.vouchsafe.ca;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Tokens, but none for a module whose certificates were revoked, and none at all while the ledger
 * has a gap that nobody accepted.
 */
record DeniedTokens(TokenIssuer tokens, Denials denials, GapLedger gaps) implements TokenIssuer {
  @Override
  public CompletableFuture<IssuedToken> issue(Grant grant, TokenRequest request) {
    if (gaps.isOpen()) {
      return CompletableFuture.failedFuture(GapLedger.refusal());
    }
    if (denials.isDenied(grant)) {
      return CompletableFuture.failedFuture(Denials.refusal(grant));
    }
    // Once more: a revocation that was acknowledged meanwhile holds.
    return tokens
        .issue(grant, request)
        .thenApply(token -> {
          if (denials.isDenied(grant)) {
            throw new CompletionException(Denials.refusal(grant));
          }
          return token;
        });
  }

  @Override
  public String jwks() {
    return tokens.jwks();
  }
}
