package dev.vouchsafe.ca;

import com.nimbusds.jose.util.JSONObjectUtils;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.clock.TrustedClock;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** Makes tokens: holds the wish against the grant, takes an id, and has the token key sign. */
final class TokenService implements TokenIssuer {
  private static final int MOST_AUDIENCES = 16;
  private static final int LONGEST_AUDIENCE = 256;

  /** In octets, so that every token is one that {@link TokenVerifier} reads. */
  private static final int MOST_TOGETHER = 8 * 1024;

  private final String issuer;
  private final TokenLifetimes lifetimes;
  private final TokenKeys keys;
  private final TokenIds ids;
  private final UnderWay underWay;
  private final TrustedClock clock;
  private final Executor executor;

  TokenService(
      CaSettings settings,
      TokenKeys keys,
      TokenIds ids,
      UnderWay underWay,
      TrustedClock clock,
      Executor executor) {
    this.issuer = settings.identity().tokenIssuer();
    this.lifetimes = settings.tokens();
    this.keys = keys;
    this.ids = ids;
    this.underWay = underWay;
    this.clock = clock;
    this.executor = executor;
  }

  @Override
  public CompletableFuture<IssuedToken> issue(Grant grant, TokenRequest request) {
    if (!underWay.enter()) {
      return CompletableFuture.failedFuture(
          new IssuanceException(Reason.AUTHORITY_UNAVAILABLE, "the service is closing"));
    }
    CompletableFuture<IssuedToken> answer = new CompletableFuture<>();
    // Through a future, so that whatever is thrown, an Error too, ends as an answer.
    var _ =
        CompletableFuture.completedFuture(request)
            .thenCompose(asked -> begin(grant, asked))
            .whenComplete((issued, failure) -> deliver(answer, issued, failure));
    return answer;
  }

  private CompletableFuture<IssuedToken> begin(Grant grant, TokenRequest request) {
    try {
      Set<String> audience = audience(grant, request.audience());
      TrustedClock.Reading time = clock.read();
      Times.requireIssuing(time);
      Instant now = time.now().truncatedTo(ChronoUnit.SECONDS);
      Instant expiry = now.plusSeconds(time.bounded(life(grant, request)).toSeconds());
      return keys.signing(now, underWay)
          .thenCompose(key ->
              ids.next(grant, key, now, expiry)
                  .thenApplyAsync(id -> sign(grant, audience, key, time, expiry, id), executor));
    } catch (IssuanceException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private void deliver(
      CompletableFuture<IssuedToken> answer,
      @Nullable IssuedToken issued,
      @Nullable Throwable failure) {
    try {
      if (issued == null) {
        answer.completeExceptionally(
            Failures.answer(failure, "the token", Reason.SIGNATURE_FAILED));
      } else {
        answer.complete(issued);
      }
    } finally {
      underWay.leave();
    }
  }

  private IssuedToken sign(
      Grant grant,
      Set<String> audience,
      TokenKey key,
      TrustedClock.Reading time,
      Instant expiry,
      String id) {
    Instant now = time.now().truncatedTo(ChronoUnit.SECONDS);
    Map<String, Object> claims = LinkedHashMap.newLinkedHashMap(6);
    claims.put("iss", issuer);
    claims.put("sub", grant.spiffeId().orElse(grant.module()));
    claims.put("aud", List.copyOf(audience));
    claims.put("iat", now.getEpochSecond());
    claims.put("exp", expiry.getEpochSecond());
    claims.put("jti", id);
    String token = key.sign(JSONObjectUtils.toJSONString(claims));
    double share = ThreadLocalRandom.current().nextDouble();
    return new IssuedToken(token, id, expiry, RenewalTime.of(time, expiry, share));
  }

  @Override
  public String jwks() {
    return keys.jwks();
  }

  private static Set<String> audience(Grant grant, List<String> asked) throws IssuanceException {
    if (asked.isEmpty() || asked.size() > MOST_AUDIENCES) {
      throw new IssuanceException(
          Reason.REQUEST_INVALID, "audience: a token is for 1 to " + MOST_AUDIENCES + " audiences");
    }
    Set<String> audience = new LinkedHashSet<>();
    int octets = 0;
    for (String one : asked) {
      if (!isPrintable(one)) {
        throw new IssuanceException(
            Reason.REQUEST_INVALID,
            "audience: each has 1 to " + LONGEST_AUDIENCE + " printable characters");
      }
      audience.add(one);
      octets += one.getBytes(StandardCharsets.UTF_8).length;
    }
    if (octets > MOST_TOGETHER) {
      throw new IssuanceException(
          Reason.REQUEST_INVALID, "audience: more than " + MOST_TOGETHER + " octets together");
    }
    for (String one : audience) {
      if (!grant.audiences().contains(one)) {
        throw new IssuanceException(
            Reason.AUDIENCE_NOT_GRANTED,
            "the registration of "
                + NameSyntax.quoted(grant.module())
                + " grants no audience "
                + NameSyntax.quoted(one));
      }
    }
    return audience;
  }

  private static boolean isPrintable(String text) {
    return !text.isEmpty()
        && text.length() <= LONGEST_AUDIENCE
        && text.codePoints().allMatch(TokenService::isPrintable);
  }

  private static boolean isPrintable(int character) {
    return switch (Character.getType(character)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }

  private Duration life(Grant grant, TokenRequest request) throws IssuanceException {
    if (request.ttl().isPresent() && request.ttl().get().toSeconds() < 1) {
      throw new IssuanceException(
          Reason.REQUEST_INVALID, "ttl: a token lives for at least one second");
    }
    Duration life = request.ttl().orElse(lifetimes.token());
    life = shorter(life, lifetimes.tokenCap());
    life = shorter(life, grant.ttl().orElse(life));
    return life.toSeconds() < 1 ? Duration.ofSeconds(1) : life;
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) <= 0 ? one : other;
  }
}
