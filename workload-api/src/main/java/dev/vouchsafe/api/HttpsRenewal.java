package dev.vouchsafe.api;

import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.CertificateRequest;
import dev.vouchsafe.ca.Grant;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.IssuedCertificate;
import dev.vouchsafe.ca.Profile;
import dev.vouchsafe.ca.clock.TrustedClock;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Keeps the https listener's certificate fresh. Looked at on a short monotonic tick, since the
 * clock may jump and the machine may sleep; a failed renewal leaves the old one in place and is
 * tried again, ever more rarely.
 */
final class HttpsRenewal {
  private static final QuietLog LOG = new QuietLog(HttpsRenewal.class);
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);

  /** Nobody can connect meanwhile. */
  private static final Duration LONGEST_PAUSE_WITHOUT = Duration.ofSeconds(5);

  private final CertificateAuthority authority;
  private final TrustedClock clock;
  private final Grant grant;
  private final HttpsIdentity identity;
  private final Duration tick;
  private Duration pause = Duration.ZERO;
  private long notBeforeNanos = System.nanoTime();
  private boolean asking;

  /** Of the clock, when the present one was asked for. */
  private volatile long epoch;

  /** Of the revocations, when the present one was asked for: it may be among them. */
  private volatile long changes;

  /** Who signed when the present one was asked for. */
  private volatile String signer = "";

  HttpsRenewal(
      CertificateAuthority authority,
      TrustedClock clock,
      Grant grant,
      HttpsIdentity identity,
      Duration tick) {
    this.authority = authority;
    this.clock = clock;
    this.grant = grant;
    this.identity = identity;
    this.tick = tick;
  }

  /**
   * Gets the first certificate. If nothing can be issued just now, the listener starts without one:
   * handshakes fail until {@link #look} gets it, and the modules' socket serves what it can.
   *
   * @throws IOException if there is none in that time, or never will be; says why
   */
  void first(Duration longest) throws IOException {
    try {
      ask().get(longest.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      if (mayPass(cause)) {
        ended(String.valueOf(cause.getMessage()));
        return;
      }
      throw new IOException("https: no certificate for the listener: " + cause.getMessage(), cause);
    } catch (TimeoutException e) {
      throw new IOException(
          "https: no certificate for the listener within " + longest.toSeconds() + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("https: interrupted while waiting for the certificate", e);
    }
  }

  private static boolean mayPass(Throwable cause) {
    return cause instanceof IssuanceException issuing
        && issuing.reason().kind() == IssuanceException.Kind.UNAVAILABLE;
  }

  /** Renews if it is time to. Never waits. */
  void look() {
    synchronized (this) {
      boolean resting = notBeforeNanos - System.nanoTime() > 0;
      boolean due = identity.due(clock.instant()) || epoch != clock.epoch() || isDoubted();
      if (asking || resting || !due) {
        return;
      }
      asking = true;
    }
    CompletableFuture<?> _ =
        ask()
            .whenComplete(
                (_, error) -> ended(error == null ? "" : String.valueOf(error.getMessage())));
  }

  /**
   * Whether something was revoked since, be it this certificate or who signed it; or another signs
   * now, who stays in the trust bundle longer than the one before.
   */
  private boolean isDoubted() {
    return changes != authority.revocations().changes() || !signer.equals(authority.signer());
  }

  private synchronized void ended(String error) {
    asking = false;
    if (error.isEmpty()) {
      pause = Duration.ZERO;
      return;
    }
    Duration next = pause.isZero() ? tick : pause.multipliedBy(2);
    boolean bare = identity.certificate().isEmpty();
    Duration longest = bare ? LONGEST_PAUSE_WITHOUT : LONGEST_PAUSE;
    pause = next.compareTo(longest) > 0 ? longest : next;
    notBeforeNanos = System.nanoTime() + pause.toNanos();
    LOG.warning(
        bare
            ? "https has no certificate yet, handshakes fail until it has: " + error
            : "the https certificate was not renewed, the old one stays: " + error);
  }

  private CompletableFuture<Void> ask() {
    long asked = clock.epoch();
    long known = authority.revocations().changes();
    String signing = authority.signer();
    CertificateRequest request =
        new CertificateRequest(
            Profile.SERVER,
            Optional.empty(),
            Optional.empty(),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.of("ec-p256"));
    return authority
        .issue(grant, request)
        .thenCompose(issued -> {
          try {
            use(issued);
            epoch = asked;
            changes = known;
            signer = signing;
            return CompletableFuture.completedFuture(null);
          } catch (GeneralSecurityException e) {
            return CompletableFuture.failedFuture(e);
          }
        });
  }

  private void use(IssuedCertificate issued) throws GeneralSecurityException {
    X509Certificate[] chain = Pem.chain(issued.certificatePem());
    PrivateKey key =
        Pem.privateKey(
            issued.privateKeyPem().orElseThrow(), chain[0].getPublicKey().getAlgorithm());
    identity.use(chain, key, issued.notBefore(), issued.renewAfter());
  }
}
