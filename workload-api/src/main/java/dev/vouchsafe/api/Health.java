package dev.vouchsafe.api;

import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.KeyStoreStatus;
import dev.vouchsafe.ca.LedgerGap;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Whether the gateway can do its work. Anyone may ask, so it says no more than a certificate would
 * show, and looks again only once a second however often it is asked.
 *
 * <p>A key store that is away is "degraded" and no failure: whoever restarts a service that fails
 * would take from the modules what it still gives them, since the masters and token keys in its
 * memory can't be unsealed again until the store is back.
 */
final class Health {
  private static final QuietLog LOG = new QuietLog(Health.class);
  private static final long FRESH_NANOS = Duration.ofSeconds(1).toNanos();

  private final ApiParts parts;
  private final Supplier<Optional<X509Certificate>> listener;
  private @Nullable Response last;
  private long lastAt;

  /**
   * @param listener the certificate that the https listener shows now
   */
  Health(ApiParts parts, Supplier<Optional<X509Certificate>> listener) {
    this.parts = parts;
    this.listener = listener;
  }

  synchronized Response answer() {
    Response known = last;
    if (known != null && System.nanoTime() - lastAt < FRESH_NANOS) {
      return known;
    }
    Response now = look();
    last = now;
    lastAt = System.nanoTime();
    return now;
  }

  private Response look() {
    List<Trouble> troubles = new ArrayList<>();
    List<Trouble> lacks = new ArrayList<>();
    int registrationProblems = 0;
    try {
      Instant now = parts.clock().instant();
      if (listener.get().filter(certificate -> valid(certificate, now)).isEmpty()) {
        troubles.add(new Trouble("listener-certificate", "the https certificate is not valid now"));
      }
      if (parts.authority().authorities().stream().noneMatch(each -> issues(each, now))) {
        troubles.add(new Trouble("device-ca", "no device CA is active and valid now"));
      }
      if (parts.authority().recovery().gaps().stream().anyMatch(LedgerGap::open)) {
        troubles.add(
            new Trouble("gap-not-accepted", "restored from a backup, and nobody accepted that"));
      }
      if (AdminRevocations.isIssuerRevoked(parts)) {
        troubles.add(new Trouble("device-ca-revoked", "the device CA is revoked"));
      }
      if (parts.authority().keyStoreStatus().stream().anyMatch(this::isAway)) {
        lacks.add(new Trouble("key-store", "the key store of the device CA is away"));
      }
      if (!parts.clock().read().isTrusted()) {
        lacks.add(new Trouble("clock", "the clock is not trusted"));
      }
      registrationProblems = parts.registrations().current().problems().size();
    } catch (RuntimeException e) {
      LOG.error("health can't be told", e);
      troubles.add(new Trouble("internal", "health can't be told; see the log"));
    }
    return answer(troubles, lacks, registrationProblems);
  }

  private static Response answer(
      List<Trouble> troubles, List<Trouble> lacks, int registrationProblems) {
    String word = lacks.isEmpty() ? "ok" : "degraded";
    byte[] body =
        Json.object(json -> {
          json.writeStringField("status", troubles.isEmpty() ? word : "failing");
          json.writeArrayFieldStart("problems");
          for (Trouble trouble : Stream.concat(troubles.stream(), lacks.stream()).toList()) {
            json.writeStartObject();
            json.writeStringField("code", trouble.code());
            json.writeStringField("message", trouble.message());
            json.writeEndObject();
          }
          json.writeEndArray();
          json.writeNumberField("registrationProblems", registrationProblems);
        });
    Status status = troubles.isEmpty() ? Status.OK : Status.SERVICE_UNAVAILABLE;
    return Response.of(status, Response.JSON, body).with(HttpHeaderNames.CACHE_CONTROL, "no-store");
  }

  /** The root's own store doesn't count: it may well be in a drawer. */
  private boolean isAway(KeyStoreStatus store) {
    return !store.isUp()
        && parts.authority().authorities().stream()
            .anyMatch(authority ->
                authority.role() == AuthorityInfo.Role.DEVICE
                    && authority.state() == AuthorityInfo.State.ACTIVE
                    && authority.keyStore().equals(store.name()));
  }

  private static boolean issues(AuthorityInfo authority, Instant now) {
    return authority.role() == AuthorityInfo.Role.DEVICE
        && authority.state() == AuthorityInfo.State.ACTIVE
        && valid(authority.certificate(), now);
  }

  private static boolean valid(X509Certificate certificate, Instant now) {
    return !now.isBefore(certificate.getNotBefore().toInstant())
        && !now.isAfter(certificate.getNotAfter().toInstant());
  }

  /** One thing that is wrong. */
  private record Trouble(String code, String message) {}
}
