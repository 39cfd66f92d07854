package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.LedgerReader.StoredRequest;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The steps on a CA whose root is elsewhere, each taken while no service has it open: a request for
 * the certificate of a device CA, the answer, and giving the request up. {@link OutsideDevices}
 * takes them while one has.
 */
final class OutsideSteps {
  private static final Duration WAITS = Duration.ofSeconds(10);

  private final CaSettings settings;
  private final NamedStores stores;
  private final SoftwareCrypto crypto;
  private final Ledger ledger;
  private final TrustedClock clock;

  private OutsideSteps(
      CaSettings settings,
      AuthorityStores stores,
      SoftwareCrypto crypto,
      Ledger ledger,
      TrustedClock clock) {
    this.settings = settings;
    this.stores = new NamedStores(stores);
    this.crypto = crypto;
    this.ledger = ledger;
    this.clock = clock;
  }

  static List<AuthorityRequest> requests(Path directory) throws IOException {
    boolean first = !isIssuing(LedgerReader.authorities(directory));
    return LedgerReader.requests(directory).stream()
        .map(request -> OutsideAuthorities.told(request, first))
        .toList();
  }

  private static boolean isIssuing(List<StoredAuthority> authorities) {
    return authorities.stream()
        .anyMatch(it -> it.row().role() == Role.DEVICE && it.row().state() == State.ACTIVE);
  }

  static AuthorityRequest request(
      CaSettings settings,
      AuthorityStores stores,
      SoftwareCrypto crypto,
      TrustedClock clock,
      Optional<String> keyStore)
      throws IOException, OutsideException {
    try (Ledger ledger = Ledger.open(settings.directory())) {
      return new OutsideSteps(settings, stores, crypto, ledger, clock).request(keyStore);
    } catch (KeyFault | IssuanceException e) {
      throw new IOException("the key of the next device CA: " + e.getMessage(), e);
    }
  }

  private AuthorityRequest request(Optional<String> keyStore)
      throws IOException, OutsideException, KeyFault, IssuanceException {
    requireNone(ledger.outside().requests());
    List<StoredAuthority> authorities = ledger.authorities();
    Optional<StoredAuthority> root =
        authorities.stream()
            .filter(it -> it.row().role() == Role.ROOT && it.row().state() == State.ACTIVE)
            .findFirst();
    if (root.filter(it -> !it.row().isOutside()).isPresent()) {
      throw new OutsideException(
          "the root of this home is here and signs device CAs itself: `vouchsafe ca prepare`");
    }
    String present = ledger.outside().newestKeyStore().orElse(stores.chosen(Role.DEVICE));
    if (keyStore.isPresent() && !keyStore.get().equals(present)) {
      throw new OutsideException(
          "what the key store "
              + present
              + " has sealed moves to "
              + keyStore.get()
              + " only while the service runs: start it, and ask again");
    }
    AuthorityFactory factory = new AuthorityFactory(settings, stores, crypto, ledger, clock);
    outside().request(factory.wanted(Role.DEVICE, Optional.of(present)));
    return OutsideAuthorities.told(ledger.outside().requests().getFirst(), !isIssuing(authorities));
  }

  private OutsideAuthorities outside() {
    return new OutsideAuthorities(settings, stores, crypto, ledger, clock);
  }

  /** One at a time: which of two answers is meant would be anybody's guess. */
  static void requireNone(List<StoredRequest> waiting) throws OutsideException {
    if (!waiting.isEmpty()) {
      throw new OutsideException(
          waiting.getFirst().row().id()
              + " waits for its certificate already; `vouchsafe ca request` prints its request,"
              + " `vouchsafe ca abort` gives it up");
    }
  }

  static StoredRequest one(List<StoredRequest> waiting) throws OutsideException {
    if (waiting.isEmpty()) {
      throw new OutsideException("no authority of this home waits for a certificate");
    }
    return waiting.getFirst();
  }

  static List<AuthorityInfo> accept(
      CaSettings settings,
      AuthorityStores stores,
      SoftwareCrypto crypto,
      TrustedClock clock,
      byte[] file,
      CertificateAuthorities.Announcement before)
      throws IOException, OutsideException {
    List<X509Certificate> given = OutsideFiles.read(file, null).certificates();
    try (Ledger ledger = Ledger.open(settings.directory())) {
      return new OutsideSteps(settings, stores, crypto, ledger, clock).accept(given, before);
    } catch (KeyFault | IssuanceException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private List<AuthorityInfo> accept(
      List<X509Certificate> given, CertificateAuthorities.Announcement before)
      throws IOException, OutsideException, KeyFault, IssuanceException {
    OutsideAuthorities outside = outside();
    OutsideAuthorities.Checked checked = outside.check(one(ledger.outside().requests()), given);
    requireSameStore(checked.row());
    before.publish(checked.anchor());
    OutsideAuthorities.Taking taking = outside.take(checked);
    boolean taken = false;
    try {
      AuthorityChain next =
          AuthorityChain.takenOver(
              ledger, settings, crypto, taking.root(), taking.device(), clock.instant());
      KeyLedger.await(
          ledger.outside().accept(taking.answer(), OptionalLong.empty(), Optional.empty()), WAITS);
      taken = true;
      return next.infos();
    } finally {
      if (!taken) {
        outside.giveUp(taking);
      }
    }
  }

  /** What the present store has sealed is sealed by another only by a service that has it open. */
  private void requireSameStore(AuthorityRow taking) throws IOException, OutsideException {
    Optional<StoredAuthority> present =
        ledger.authorities().stream()
            .filter(it -> it.row().role() == Role.DEVICE && it.row().state() == State.ACTIVE)
            .findFirst();
    if (present.filter(it -> !it.row().keyStore().equals(taking.keyStore())).isPresent()) {
      throw new OutsideException(
          "the key of "
              + taking.id()
              + " is in another key store than that of "
              + present.get().row().id()
              + ": start the service, and give it the certificate");
    }
  }

  /** Gives up what waits. */
  static String giveUp(Path directory) throws IOException, OutsideException {
    try (Ledger ledger = Ledger.open(directory)) {
      AuthorityRow row = one(ledger.outside().requests()).row();
      KeyLedger.await(ledger.outside().giveUp(row, OptionalLong.empty()), WAITS);
      return row.id();
    } catch (IssuanceException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /** Throws, with the next step, if there is no device CA since its certificate is waited for. */
  static void requireCertified(Ledger ledger) throws IOException {
    if (isIssuing(ledger.authorities())) {
      return;
    }
    List<StoredRequest> waiting = ledger.outside().requests();
    if (!waiting.isEmpty()) {
      throw new IOException(
          waiting.getFirst().row().id()
              + " waits for its certificate: have its request signed (`vouchsafe ca request` prints"
              + " it), then `vouchsafe ca activate --certificate FILE`");
    }
    if (ledger.authorities().isEmpty() && ledger.outside().newestKeyStore().isPresent()) {
      throw new IOException(
          "there is no device CA, and no request for the certificate of one: `vouchsafe ca prepare`"
              + " makes one");
    }
  }
}
