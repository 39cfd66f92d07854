package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Attestor;
import dev.vouchsafe.attestation.Registrations;
import dev.vouchsafe.audit.AuditLog;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.trust.BundleReaders;
import dev.vouchsafe.trust.TrustBundles;
import java.util.concurrent.ExecutorService;
import java.util.function.IntConsumer;
import java.util.function.Supplier;

/**
 * What the front ends stand on. They close none of it.
 *
 * @param identity who the gateway is
 * @param registrations who may be issued what
 * @param attestor who is calling
 * @param authority issues
 * @param bundles whom to trust
 * @param readers who has which version of that
 * @param manifest the manifest trust bundle as PEM, read at each call; empty if there is none
 * @param audit where it is recorded
 * @param clock the one clock
 * @param workers where requests are worked on; never an event loop. One that rejects work and isn't
 *     shut down counts as busy
 * @param heldUp is told how many of the workers' threads are held up by the processes that they
 *     look at: as many are to be added, 256 at the most. From any thread; must not wait
 * @param backups makes backups
 */
public record ApiParts(
    GatewayIdentity identity,
    Registrations registrations,
    Attestor attestor,
    CertificateAuthority authority,
    TrustBundles bundles,
    BundleReaders readers,
    Supplier<String> manifest,
    AuditLog audit,
    TrustedClock clock,
    ExecutorService workers,
    IntConsumer heldUp,
    Backups backups) {
  /** Those of a service that makes no backups. */
  public ApiParts(
      GatewayIdentity identity,
      Registrations registrations,
      Attestor attestor,
      CertificateAuthority authority,
      TrustBundles bundles,
      BundleReaders readers,
      Supplier<String> manifest,
      AuditLog audit,
      TrustedClock clock,
      ExecutorService workers,
      IntConsumer heldUp) {
    this(
        identity,
        registrations,
        attestor,
        authority,
        bundles,
        readers,
        manifest,
        audit,
        clock,
        workers,
        heldUp,
        Backups.NONE);
  }
}
