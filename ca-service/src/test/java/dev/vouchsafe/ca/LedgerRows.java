package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.keys.KeyType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** A ledger of a test's own with a root and a device CA, and certificates put into it by hand. */
final class LedgerRows implements AutoCloseable {
  static final Instant START = TestCa.NOW;

  private static final int AT_ONCE = 1000;

  private final Path folder;
  private final Serials serials = new Serials();
  private Ledger ledger;
  private int made;

  LedgerRows(Path folder) throws Exception {
    this.folder = folder;
    ledger = Ledger.create(folder);
    for (AuthorityInfo.Role role : List.of(AuthorityInfo.Role.ROOT, AuthorityInfo.Role.DEVICE)) {
      AuthorityRow _ =
          ledger.reserve(
              new NewAuthority(role, "software", KeyType.EC_P256, AuthorityInfo.State.ACTIVE),
              serials.next(START));
    }
  }

  Ledger ledger() {
    return ledger;
  }

  Path folder() {
    return folder;
  }

  void reopen(LedgerSchema.Connector connector, LedgerBudget budget) throws Exception {
    ledger.close();
    ledger = Ledger.open(folder, connector, budget);
  }

  /** Opens it anew with a limit, of which the log has so much and neither rows nor revocations. */
  void reopen(long most, long log, long reserve) throws Exception {
    reopen(LedgerSchema::connect, new LedgerBudget(OptionalLong.of(most), log, reserve));
  }

  /** No two of the same time. */
  byte[] nextSerial() {
    return serials.next(START.plusMillis(made++));
  }

  LeafIntent intent(String module, byte[] serial, String commonName, Instant end) {
    LeafPlan plan =
        new LeafPlan(
            TestCa.leaf(Profile.SERVER),
            TestCa.subject(commonName),
            List.of(new SanName.Dns("a.local"), new SanName.Dns("b.local")),
            end.minusSeconds(3600),
            end,
            end);
    Grant grant =
        new Grant(
            module,
            "1",
            Set.of(Profile.SERVER),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            Optional.empty());
    return new LeafIntent(grant, plan, 2, serial, serial, new byte[32]);
  }

  /** Records so many certificates of a module, all issued, and returns their serials. */
  List<String> record(String module, int count, Instant end) throws IssuanceException {
    List<String> recorded = new ArrayList<>();
    List<CompletableFuture<?>> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] serial = nextSerial();
      recorded.add(Octets.hex(serial));
      all.add(ledger.record(intent(module, serial, "a.local", end.plusSeconds(i))));
      if (all.size() == AT_ONCE || i == count - 1) {
        CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0])).join();
        all.clear();
      }
    }
    recorded.forEach(serial -> ledger.outcome(octets(serial), LedgerEntry.State.ISSUED));
    // It waits until all of that can be read.
    assertThat(find(recorded.getLast()).state()).isEqualTo(LedgerEntry.State.ISSUED);
    return recorded;
  }

  /** Whether a certificate of that module is refused, since there is no room for it. */
  boolean isRefused(String module, Instant end) {
    try {
      Ledger.DurableIntent _ = ledger.record(intent(module, nextSerial(), "a.local", end)).join();
      return false;
    } catch (CompletionException e) {
      if (e.getCause() instanceof IssuanceException refused
          && refused.reason() == IssuanceException.Reason.LEDGER_UNAVAILABLE) {
        return true;
      }
      throw e;
    }
  }

  static byte[] octets(String serial) {
    return Octets.unhex(serial).orElseThrow();
  }

  LedgerEntry find(String serial) throws IssuanceException {
    return ledger.find(octets(serial)).orElseThrow();
  }

  List<String> listed() throws IssuanceException {
    List<String> found = new ArrayList<>();
    Optional<String> before = Optional.empty();
    do {
      LedgerPage page = ledger.page(new LedgerQuery(LedgerFilter.ALL, 1000, before));
      page.items().forEach(entry -> found.add(entry.serial()));
      before = page.next();
    } while (before.isPresent());
    return found;
  }

  long logOctets() throws Exception {
    return octetsOf("ca.db-wal");
  }

  long filesOctets() throws Exception {
    return octetsOf("ca.db") + logOctets();
  }

  private long octetsOf(String name) throws Exception {
    Path file = folder.resolve(name);
    return Files.exists(file) ? Files.size(file) : 0;
  }

  /** What is waited for. */
  interface Condition {
    boolean holds() throws Exception;
  }

  /** Waits half a minute for it at most. */
  static void await(Condition condition) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("it did not come to that in half a minute");
      }
      Thread.onSpinWait();
    }
  }

  @Override
  public void close() {
    ledger.close();
  }
}
