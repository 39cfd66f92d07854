package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.RevocationOrder.Target;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.ca.clock.TrustedClock.Reading;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Takes back what was issued: durably first, then in the lists. */
final class RevocationService implements Revocations, AutoCloseable {
  private static final Instant LATEST = Instant.parse("9999-12-31T23:59:59Z");

  /** An administrator waits on one of the few workers. */
  private static final Duration LIST_WAITS = Duration.ofSeconds(3);

  private final Ledger ledger;
  private final RevocationLedger revocations;
  private final Denials denials;
  private final CrlPublisher publisher;
  private final AuthorityRevocation authorities;
  private final Distrust distrust;
  private final Issuers issuers;
  private final RevokedTokens tokens;
  private final OcspSigners signers;
  private final OcspResponder responder;
  private final RevokedLiving living;
  private final RevocationAftermath aftermath;
  private final List<RevocationTables> tables;
  private final TrustedClock clock;
  private final AtomicLong changes = new AtomicLong();

  /**
   * @param tables what is closed in the end
   */
  RevocationService(
      Ledger ledger,
      RevocationLedger revocations,
      Denials denials,
      CrlPublisher publisher,
      Issuers issuers,
      Distrust distrust,
      RevokedTokens tokens,
      OcspSigners signers,
      OcspResponder responder,
      RevokedLiving living,
      RevocationAftermath aftermath,
      TrustedClock clock,
      List<RevocationTables> tables) {
    this.ledger = ledger;
    this.revocations = revocations;
    this.denials = denials;
    this.publisher = publisher;
    this.issuers = issuers;
    this.distrust = distrust;
    this.authorities = new AuthorityRevocation(issuers, revocations, distrust);
    this.tokens = tokens;
    this.signers = signers;
    this.responder = responder;
    this.living = living;
    this.aftermath = aftermath;
    this.clock = clock;
    this.tables = List.copyOf(tables);
  }

  @Override
  public void serve() {
    publisher.start(tokens::retry);
  }

  /** Looks now, once, whether a list is due, and waits for it. */
  void look() {
    var _ = publisher.publish().join();
  }

  /** Whom issuing has to turn away. */
  Denials denials() {
    return denials;
  }

  @Override
  public RevocationResult revoke(RevocationOrder order) throws IssuanceException {
    requirePast(order.invalidSince());
    return switch (order.target()) {
      case Target.Serials serials -> revoke(serials, order);
      case Target.Module module -> revoke(module, order);
      case Target.Authority authority -> revoke(authority, order);
    };
  }

  /** A time that a list can't be encoded with would keep that list from being made for ever. */
  private void requirePast(Optional<Instant> invalidSince) throws IssuanceException {
    Instant latest = clock.isCertain() ? clock.instant() : LATEST;
    if (invalidSince.filter(it -> it.isBefore(Instant.EPOCH) || it.isAfter(latest)).isPresent()) {
      throw new IssuanceException(
          Reason.REQUEST_INVALID, "invalidSince: is before 1970 or in the future");
    }
  }

  private RevocationResult revoke(Target.Serials target, RevocationOrder order)
      throws IssuanceException {
    List<byte[]> serials = new ArrayList<>();
    for (String serial : new HashSet<>(target.serials())) {
      serials.add(revocable(serial));
    }
    long fresh =
        acted(revocations.revoke(serials, order, clock.instant()), () -> settleVouchers(serials));
    List<RevokedCertificate> revoked = new ArrayList<>();
    for (byte[] serial : serials) {
      revocations.find(serial, publisher::covers).ifPresent(revoked::add);
    }
    return result(fresh, revoked.size() - fresh, revoked, Set.of());
  }

  /** The octets of a serial that can be revoked, or has been. */
  private byte[] revocable(String serial) throws IssuanceException {
    byte[] octets =
        Octets.unhex(serial)
            .orElseThrow(() ->
                new IssuanceException(
                    Reason.REQUEST_INVALID, "serials: hex, two digits an octet, in lower case"));
    Optional<LedgerEntry> entry = ledger.find(octets);
    if (revocations.find(octets, publisher::covers).isPresent()) {
      return octets;
    }
    if (entry.isEmpty()) {
      throw new IssuanceException(
          Reason.CERTIFICATE_UNKNOWN, "no module's certificate has the serial number " + serial);
    }
    boolean ended = !entry.get().notAfter().isAfter(clock.instant());
    if (ended && clock.isCertain()) {
      throw new IssuanceException(
          Reason.CERTIFICATE_ENDED,
          "the certificate " + serial + " ended at " + entry.get().notAfter());
    }
    if (entry.get().archived()) {
      // Packed under a clock that was ahead, or of one whose end isn't certain now.
      ledger.archive().bringBack(octets);
    }
    return octets;
  }

  private RevocationResult revoke(Target.Module target, RevocationOrder order)
      throws IssuanceException {
    if (target.name().indexOf('/') >= 0) {
      throw new IssuanceException(
          Reason.REQUEST_INVALID,
          "module: "
              + NameSyntax.quoted(target.name())
              + " is the service itself, which must not be"
              + " denied its certificates; revoke them by serial, and it gets others");
    }
    Reading time = clock.read();
    // By a time that isn't certain, what seems to have ended may not have.
    Instant endAfter = clock.isCertain() ? time.now() : Instant.EPOCH;
    LedgerArchive archive = ledger.archive();
    if (target.registered().isEmpty() && !revocations.knows(target.name())) {
      archive.bringBack(time.now(), target.name());
      requireKnown(target.name());
    }
    long brought = archive.brought();
    long before = revocations.countOfModule(target.name(), endAfter);
    // The archive may not be at hand: what can be denied and revoked without it is, first.
    Set<String> denied = new TreeSet<>();
    long fresh = revoke(target, order, endAfter, time.now(), denied);
    bringBack(target.name(), time.now());
    if (archive.brought() != brought) {
      fresh += revoke(target, order, endAfter, time.now(), denied);
    }
    return result(fresh, before, revocations.ofModule(target, endAfter, publisher::covers), denied);
  }

  private void requireKnown(String module) throws IssuanceException {
    if (!revocations.knows(module)) {
      throw new IssuanceException(
          Reason.CERTIFICATE_UNKNOWN,
          "nothing was ever issued to a module " + NameSyntax.quoted(module));
    }
  }

  /** Has what lives of a module that is denied come back from the archive. */
  private void bringBack(String module, Instant now) throws IssuanceException {
    try {
      ledger.archive().bringBack(now, module);
    } catch (IssuanceException e) {
      throw new IssuanceException(
          e.reason(),
          "the module is denied, and what stands in the ledger is revoked; what else lives is in"
              + " the archive: "
              + e.getMessage(),
          e);
    }
  }

  /** Denies and revokes what the ledger has of that module outside its archive. */
  private long revoke(
      Target.Module target, RevocationOrder order, Instant endAfter, Instant now, Set<String> into)
      throws IssuanceException {
    Set<String> generations = new TreeSet<>();
    if (target.generation().isPresent()) {
      generations.add(target.generation().get());
    } else {
      generations.addAll(revocations.generations(target.name(), endAfter));
      target.registered().ifPresent(generations::add);
    }
    denials.begin(target.name(), generations);
    long fresh =
        acted(
            revocations.revoke(target, generations, order, endAfter, now),
            () -> settle(target.name(), generations));
    into.addAll(generations);
    return fresh;
  }

  private RevocationResult revoke(Target.Authority target, RevocationOrder order)
      throws IssuanceException {
    AuthorityRevocation.Begun begun = authorities.begin(target, order, clock.instant());
    long fresh = begun.told(() -> acted(begun.write(), () -> settle(begun)));
    List<RevokedCertificate> revoked = new ArrayList<>();
    for (StoredAuthority each : known()) {
      if (each.row().id().equals(target.id())) {
        revoked.addAll(revocations.ofAuthority(each.row().row(), publisher::covers));
      }
    }
    return result(fresh, fresh == 0 ? 1 : 0, revoked, Set.of());
  }

  private List<StoredAuthority> known() {
    List<StoredAuthority> known = new ArrayList<>(issuers.chain().all());
    known.addAll(issuers.delegates());
    return known;
  }

  @Override
  public List<String> distrusted() {
    return known().stream().filter(distrust::covers).map(it -> it.row().id()).toList();
  }

  /** Which authorities sign no more. */
  Distrust distrust() {
    return distrust;
  }

  @Override
  public Set<String> among(List<LedgerEntry> entries) throws IssuanceException {
    Set<String> revoked =
        new HashSet<>(revocations.among(entries.stream().map(LedgerEntry::serial).toList()));
    List<String> authorities = distrusted();
    entries.stream()
        .filter(it -> authorities.contains(it.authority()))
        .forEach(it -> revoked.add(it.serial()));
    return revoked;
  }

  @Override
  public long changes() {
    return changes.get();
  }

  /** Denies what the ledger denies; if that can't be told, what was to be denied is. */
  private void settle(String module, Set<String> generations) throws IssuanceException {
    try {
      denials.become(module, revocations.deniedGenerations(module));
    } catch (IssuanceException e) {
      denials.add(module, generations);
      throw e;
    } finally {
      denials.end(module, generations);
    }
    living.follow();
  }

  /**
   * Shows no certificate of a root for a root that the ledger has as revoked; if that can't be
   * told, none that was to be revoked.
   */
  private void settleVouchers(List<byte[]> serials) throws IssuanceException {
    try {
      issuers.drop(revocations.revokedVouchers());
    } catch (IssuanceException e) {
      issuers.drop(serials.stream().filter(issuers.chain()::isVoucher).toList());
      throw e;
    }
    living.follow();
  }

  /** The same with authorities. */
  private void settle(AuthorityRevocation.Begun begun) throws IssuanceException {
    try {
      distrust.add(begun.authorities(), revocations.revokedAuthorities());
    } catch (IssuanceException e) {
      begun.authorities().forEach(distrust::add);
      throw e;
    } finally {
      distrust.end(begun.authorities());
    }
    begun.authorities().stream()
        .filter(distrust::covers)
        .forEach(it -> issuers.drop(it.row().row()));
    living.follow();
  }

  /**
   * Has all who should know of it told once that write has ended, waits for it, and then a while
   * for the lists, and no longer: it is revoked whether they can be made or not.
   */
  private long acted(CompletableFuture<Long> write, RevocationAftermath.Step step)
      throws IssuanceException {
    CompletableFuture<@Nullable Void> listed = new CompletableFuture<>();
    long fresh =
        aftermath.await(
            write,
            () -> {
              try {
                step.take();
              } finally {
                tell(listed);
              }
            });
    var _ = listed.completeOnTimeout(null, LIST_WAITS.toMillis(), TimeUnit.MILLISECONDS).join();
    return fresh;
  }

  private void tell(CompletableFuture<@Nullable Void> listed) {
    changes.incrementAndGet();
    responder.forget();
    var _ = publisher.publish().thenRun(() -> listed.complete(null));
  }

  private RevocationResult result(
      long fresh, long already, List<RevokedCertificate> revoked, Set<String> denied) {
    Set<String> lacking = new TreeSet<>();
    revoked.stream().filter(it -> !it.listed()).forEach(it -> lacking.add(it.authority()));
    List<String> unlisted = lacking.stream().map(id -> id + ": " + why(id)).toList();
    return new RevocationResult(fresh, already, revoked, List.copyOf(denied), unlisted);
  }

  private String why(String authority) {
    Optional<RevocationListStatus> status =
        lists().stream().filter(it -> it.authority().equals(authority)).findAny();
    if (status.filter(RevocationListStatus::signs).isEmpty()) {
      return known().stream()
          .map(StoredAuthority::row)
          .filter(it -> it.id().equals(authority))
          .findAny()
          .map(RevocationService::whyNoList)
          .orElse("it is not known any more");
    }
    return status.get().fault().isEmpty()
        ? "its list is not ready yet"
        : "no list can be made now, and nobody is told as long as that is so: "
            + status.get().fault();
  }

  private static String whyNoList(AuthorityRow authority) {
    if (authority.role() == AuthorityInfo.Role.ISSUING) {
      return "it makes no list, since its certificates are too short-lived for one: what is"
          + " revoked is denied renewal, and ends by itself";
    }
    if (authority.isOutside()) {
      return "its key is not here: ask whoever runs that CA to revoke the serial number";
    }
    return authority.state() == AuthorityInfo.State.RETIRED
        ? "it has retired and signs no list any more: the last one stays as it is until its time"
            + " is over, and what was revoked ends by itself"
        : "it signs no list as long as it is " + authority.stateText();
  }

  @Override
  public List<String> allow(String module, Optional<String> generation) throws IssuanceException {
    Set<String> lifted = new TreeSet<>(revocations.deniedGenerations(module));
    generation.ifPresent(only -> lifted.removeIf(it -> !it.equals(only)));
    if (!lifted.isEmpty()) {
      var _ =
          aftermath.await(
              revocations.allow(module, lifted),
              () -> denials.become(module, revocations.deniedGenerations(module)));
    }
    return List.copyOf(lifted);
  }

  @Override
  public long revokeTokens(List<String> ids, long administrator) throws IssuanceException {
    return tokens.revoke(ids, administrator);
  }

  @Override
  public String revokedTokens() {
    return tokens.json();
  }

  @Override
  public String revokedTokensFault() {
    return tokens.fault();
  }

  @Override
  public Optional<RevokedCertificate> find(String serial) throws IssuanceException {
    Optional<byte[]> octets = Octets.unhex(serial);
    return octets.isPresent()
        ? revocations.find(octets.get(), publisher::covers)
        : Optional.empty();
  }

  @Override
  public long living() throws IssuanceException {
    return revocations.living(clock.instant());
  }

  @Override
  public List<RevocationListStatus> lists() {
    return publisher.statuses();
  }

  @Override
  public Optional<RevocationList> list(String authority) {
    return publisher.list(authority);
  }

  @Override
  public OcspAnswer ocsp(byte[] request, Object asker) {
    return responder.answer(request, asker);
  }

  @Override
  public void close() {
    aftermath.close();
    signers.close();
    publisher.close();
    tables.forEach(RevocationTables::close);
  }
}
