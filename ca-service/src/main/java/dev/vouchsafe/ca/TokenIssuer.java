package dev.vouchsafe.ca;

import java.util.concurrent.CompletableFuture;

/**
 * Issues signed tokens: JWT (RFC 7519) by ES256, under a token key that the key store sealed and
 * that was announced ahead of its use. Safe for use by many threads at once.
 *
 * <p>The header is {@code alg}, {@code kid} and {@code typ} (JWT). The claims are {@code iss}
 * ({@link GatewayIdentity#tokenIssuer}), {@code sub} (the SPIFFE ID, or without one the module's
 * name), {@code aud} (always a list), {@code iat}, {@code exp} and {@code jti}.
 */
public interface TokenIssuer {
  /**
   * Issues a token. Its id comes from a block that the ledger reserved durably before. Nobody waits
   * for that, or for the key store, on a thread: the signature is made on the executor given at
   * open, and the future completes there.
   *
   * @param request 1 to 16 audiences of 1 to 256 printable characters, 8 KiB together; one asked
   *     for twice stands once
   * @return completes with the token, or exceptionally with an {@link IssuanceException}: if the
   *     request is invalid or the grant doesn't have one of the audiences, if the key store is away
   *     and the token key still sealed, or if the ledger can't reserve ids, be it that too many
   *     wait for it, or for longer than some seconds
   */
  CompletableFuture<IssuedToken> issue(Grant grant, TokenRequest request);

  /**
   * The public keys that verify our tokens, as a JSON Web Key Set (RFC 7517 section 5): the one
   * that signs, the next one, and those whose last token may not have ended yet.
   */
  String jwks();
}
