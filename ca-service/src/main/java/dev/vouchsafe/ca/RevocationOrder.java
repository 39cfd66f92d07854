package dev.vouchsafe.ca;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What an administrator wants revoked.
 *
 * @param target which certificates
 * @param reason why
 * @param invalidSince when the key is known or suspected to have been lost (RFC 5280 section
 *     5.3.2), if that is known
 * @param administrator the user id of whoever asks
 */
public record RevocationOrder(
    Target target, RevocationReason reason, Optional<Instant> invalidSince, long administrator) {
  /** Nobody asked: an issuing CA whose device CA is revoked. */
  static final RevocationOrder BY_ITSELF =
      new RevocationOrder(
          new Target.Serials(List.of()), RevocationReason.CA_COMPROMISE, Optional.empty(), -1);

  /** Which certificates. */
  public sealed interface Target {
    /**
     * Those of these serial numbers, all or none.
     *
     * @param serials lower-case hex, two digits an octet
     */
    record Serials(List<String> serials) implements Target {
      public Serials {
        serials = List.copyOf(serials);
      }
    }

    /**
     * All of a module that have not ended; and it gets no more.
     *
     * @param name the registration's name
     * @param generation only of that generation, which alone gets no more
     * @param registered the generation that is registered now, if one is: without a generation
     *     given, it gets no more, nor do those that have living certificates
     */
    record Module(String name, Optional<String> generation, Optional<String> registered)
        implements Target {}

    /**
     * An authority as a whole: all that it signed counts as revoked, and it signs no more.
     *
     * @param id such as {@code device-1} or {@code issuing-3}
     * @param now also if it is the one that issues: then nothing is issued until another is active
     */
    record Authority(String id, boolean now) implements Target {}
  }
}
