package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What token a caller asks for, as it asked: nothing in it is believed before it was held against
 * the {@link Grant}.
 *
 * @param audience for whom the token is to be; at least one
 * @param ttl lifetime asked for; one over the cap is shortened
 */
public record TokenRequest(List<String> audience, Optional<Duration> ttl) {
  public TokenRequest {
    audience = List.copyOf(audience);
  }
}
