package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.clock.TrustedClocks;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.List;

/**
 * The steps on a CA whose root is elsewhere, each taken while no service has it open: a request for
 * the certificate of a device CA, and the answer.
 */
final class OutsideSteps {
  private OutsideSteps() {}

  static List<AuthorityRequest> requests(Path directory) throws IOException {
    boolean first = isWaiting(LedgerReader.authorities(directory));
    return LedgerReader.requests(directory).stream()
        .map(request -> OutsideAuthorities.told(request, first))
        .toList();
  }

  private static boolean isWaiting(List<StoredAuthority> authorities) {
    return authorities.stream()
        .noneMatch(it ->
            it.row().role() == AuthorityInfo.Role.DEVICE
                && it.row().state() == AuthorityInfo.State.ACTIVE);
  }

  static AuthorityRequest request(
      CaSettings settings,
      AuthorityStores authorityStores,
      SoftwareCrypto crypto,
      InstantSource clock)
      throws IOException, OutsideException {
    try (Ledger ledger = Ledger.open(settings.directory())) {
      if (!ledger.requests().isEmpty()) {
        throw new OutsideException(
            ledger.requests().getFirst().row().id()
                + " waits for its certificate already; print its request with `vouchsafe ca"
                + " request`");
      }
      AuthorityChain chain = AuthorityChain.load(ledger, settings, crypto);
      if (!chain.root().row().isOutside()) {
        throw new OutsideException(
            "the root of this home is here and signs device CAs itself: `vouchsafe ca prepare`");
      }
      new OutsideAuthorities(
              settings,
              new NamedStores(authorityStores),
              crypto,
              ledger,
              TrustedClocks.believing(clock))
          .request(chain.device().row().keyStore());
      return OutsideAuthorities.told(ledger.requests().getFirst(), false);
    } catch (KeyFault | IssuanceException e) {
      throw new IOException("the key of the next device CA: " + e.getMessage(), e);
    }
  }

  static List<AuthorityInfo> accept(
      CaSettings settings,
      AuthorityStores authorityStores,
      SoftwareCrypto crypto,
      InstantSource clock,
      byte[] file,
      CertificateAuthorities.Announcement before)
      throws IOException, OutsideException {
    List<X509Certificate> given = OutsideFiles.read(file, null).certificates();
    try (Ledger ledger = Ledger.open(settings.directory())) {
      List<LedgerReader.StoredRequest> waiting = ledger.requests();
      if (waiting.isEmpty()) {
        throw new OutsideException("no authority of this home waits for a certificate");
      }
      new OutsideAuthorities(
              settings,
              new NamedStores(authorityStores),
              crypto,
              ledger,
              TrustedClocks.believing(clock))
          .accept(waiting.getFirst(), given, before);
      return AuthorityChain.load(ledger, settings, crypto).infos();
    } catch (KeyFault | IssuanceException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /** Throws, with the next step, if there is no device CA since its certificate is waited for. */
  static void requireCertified(Ledger ledger) throws IOException {
    List<LedgerReader.StoredRequest> waiting = ledger.requests();
    if (!waiting.isEmpty() && isWaiting(ledger.authorities())) {
      throw new IOException(
          waiting.getFirst().row().id()
              + " waits for its certificate: have its request signed (`vouchsafe ca request` prints"
              + " it), then `vouchsafe ca activate --certificate FILE`");
    }
  }
}
