package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a million entries cost, some of them in the archive and many of them revoked: room, the rate
 * of issuing, the start, and looking one up.
 */
@Tag("bench")
class LedgerScaleBench {
  private static final int FEW = 1_000;
  private static final int MANY = 1_000_000;
  private static final int REVOKED = 100_000;
  private static final int LOOKED_UP = 200;
  private static final int MODULES = 500;
  private static final int TURNS = 9;
  private static final int A_TURN = 5_000;
  private static final int IN_FLIGHT = 32;

  /** What there is to keep to. */
  private static final double LEAST_RATE = 0.9;

  private static final double LONGEST_START = 1.2;
  private static final long MOST_OCTETS = 350;

  @TempDir Path folder;
  private final Serials serials = new Serials();

  @Test
  void aMillionRowsSlowNothingDown() throws Exception {
    try (TestCa few = TestCa.in(Files.createDirectory(folder.resolve("few")));
        TestCa many = TestCa.in(Files.createDirectory(folder.resolve("many")))) {
      fill(few, FEW);
      fill(many, MANY);
      long octets = Files.size(many.settings.directory().resolve(LedgerSchema.FILE)) / MANY;
      System.out.printf("%d octets a row%n", octets);
      living(many);
      revoke(many);
      archive(many, octets);
      searches(many);
      starts(few, many);
      rates(few, many);
      assertThat(octets).isLessThanOrEqualTo(MOST_OCTETS);
    }
  }

  /** Those that were issued last, most of which have ended. */
  private static void revoke(TestCa ca) throws Exception {
    ca.ca().close();
    try (Ledger ledger = Ledger.open(ca.settings.directory())) {
      Ledger.DurableIntent _ =
          ledger.record(
              statements ->
                  assertThat(
                          statements.change(
                              "INSERT INTO revocation(serial, authority, module, not_after, revoked,"
                                  + " reason, administrator) SELECT serial, authority, module,"
                                  + " not_after, not_after - 60, 1, 0 FROM certificate"
                                  + " ORDER BY id DESC LIMIT ?",
                              REVOKED))
                      .isEqualTo(REVOKED),
              new byte[0]);
    }
    ca.reopen();
  }

  /**
   * What a start counts where live certificates are limited, and who asks what lives under a CA.
   */
  private static void living(TestCa ca) throws Exception {
    ca.ca().close();
    try (Ledger ledger = Ledger.open(ca.settings.directory())) {
      long begun = System.nanoTime();
      ledger.living(TestCa.NOW, new LiveCertificates(MANY));
      long counted = System.nanoTime();
      assertThat(ledger.rotation().modules(List.of(2L), TestCa.NOW, MODULES)).hasSize(MODULES);
      System.out.printf(
          "what lives is counted in %.1f ms, and the modules under a CA that have it in %.1f ms%n",
          (counted - begun) / 1e6, (System.nanoTime() - counted) / 1e6);
    }
    ca.reopen();
  }

  /**
   * Those that ended more than ten days ago, and then some of them are looked up.
   *
   * @param octets of a row that is not there
   */
  private static void archive(TestCa ca, long octets) throws Exception {
    ca.ca().close();
    long before = used(ca);
    try (Ledger ledger = Ledger.open(ca.settings.directory())) {
      LedgerThinning thinning =
          ledger.thinning(new LedgerSettings(OptionalLong.empty(), Duration.ofDays(10)), ca.clock);
      List<String> wanted = new ArrayList<>();
      for (int i = 0; i < LOOKED_UP; i++) {
        wanted.add(oldest(ca));
        assertThat(thinning.packBlock()).isTrue();
      }
      long begun = System.nanoTime();
      while (thinning.packBlock()) {
        assertThat(thinning.archived()).isPositive();
      }
      long looked = System.nanoTime();
      for (String serial : wanted) {
        assertThat(ledger.find(Octets.unhex(serial).orElseThrow()).orElseThrow().archived())
            .isTrue();
      }
      System.out.printf(
          "%.1f octets an entry that is packed%n",
          octets + (double) (used(ca) - before) / thinning.archived());
      System.out.printf(
          "%,d entries are packed, the last blocks in %.1f s; to look one up there takes %.2f ms%n",
          thinning.archived(),
          (looked - begun) / 1e9,
          (System.nanoTime() - looked) / 1e6 / LOOKED_UP);
    }
    ca.reopen();
  }

  /** Octets of the ledger's pages that are in use. */
  private static long used(TestCa ca) throws Exception {
    try (Connection connection = LedgerPeek.connect(ca.settings.directory());
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(),"
                    + " pragma_freelist_count(), pragma_page_size()")) {
      assertThat(row.next()).isTrue();
      return row.getLong(1);
    }
  }

  private static String oldest(TestCa ca) throws Exception {
    try (Connection connection = LedgerPeek.connect(ca.settings.directory());
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery("SELECT serial FROM certificate ORDER BY not_after LIMIT 1")) {
      assertThat(row.next()).isTrue();
      return Octets.hex(row.getBytes(1));
    }
  }

  private static void starts(TestCa few, TestCa many) throws Exception {
    List<Double> ofFew = new ArrayList<>();
    List<Double> ofMany = new ArrayList<>();
    for (int turn = 0; turn < 4 * TURNS; turn++) {
      ofFew.add(start(few));
      ofMany.add(start(many));
    }
    double ratio = median(ofMany) / median(ofFew);
    System.out.printf(
        "the CA opens in %.1f ms with %,d rows, %.1f ms with %,d (%.2f of it)%n",
        median(ofFew), FEW, median(ofMany), MANY, ratio);
    assertThat(ratio).isLessThanOrEqualTo(LONGEST_START);
  }

  private static double start(TestCa ca) throws Exception {
    ca.ca().close();
    long begun = System.nanoTime();
    ca.reopen();
    return (System.nanoTime() - begun) / 1e6;
  }

  private static void rates(TestCa few, TestCa many) throws Exception {
    run(few, A_TURN);
    run(many, A_TURN);
    List<Double> ofFew = new ArrayList<>();
    List<Double> ofMany = new ArrayList<>();
    for (int turn = 0; turn < TURNS; turn++) {
      if (turn % 2 == 0) {
        ofFew.add(rate(few));
        ofMany.add(rate(many));
      } else {
        ofMany.add(rate(many));
        ofFew.add(rate(few));
      }
    }
    double ratio = median(ofMany) / median(ofFew);
    System.out.printf(
        "%,.0f certificates/s with %,d rows, %,.0f with %,d (%.2f of it)%n",
        median(ofFew), FEW, median(ofMany), MANY, ratio);
    assertThat(ratio).isGreaterThanOrEqualTo(LEAST_RATE);
  }

  private static double rate(TestCa ca) throws InterruptedException {
    long begun = System.nanoTime();
    run(ca, A_TURN);
    return A_TURN / ((System.nanoTime() - begun) / 1e9);
  }

  private static void run(TestCa ca, int count) throws InterruptedException {
    Semaphore permits = new Semaphore(IN_FLIGHT);
    AtomicInteger failures = new AtomicInteger();
    for (int i = 0; i < count; i++) {
      permits.acquire();
      var _ =
          ca.ca()
              .issue(TestCa.grant(), CertificateRequest.of(Profile.IDENTITY))
              .whenComplete((issued, failure) -> {
                if (failure != null) {
                  failures.incrementAndGet();
                }
                permits.release();
              });
    }
    permits.acquire(IN_FLIGHT);
    assertThat(failures).hasValue(0);
  }

  private static void searches(TestCa ca) throws Exception {
    Optional<String> none = Optional.empty();
    LedgerFilter.Window always = LedgerFilter.Window.ALWAYS;
    Instant middle = TestCa.NOW.minusSeconds(MANY / 2);
    LedgerFilter.Window second =
        new LedgerFilter.Window(Optional.of(middle), Optional.of(middle.plusSeconds(1)));
    time(ca, "all", LedgerFilter.ALL);
    time(ca, "one module", LedgerFilter.ofModule(Optional.of("module7")));
    time(
        ca,
        "one second of issue",
        new LedgerFilter(none, none, second, always, Optional.empty(), none, none));
    time(
        ca,
        "one second of ends",
        new LedgerFilter(none, none, always, second, Optional.empty(), none, none));
    time(
        ca,
        "failed ones, of which there are none",
        new LedgerFilter(
            none, none, always, always, Optional.of(LedgerEntry.State.FAILED), none, none));
  }

  private static void time(TestCa ca, String what, LedgerFilter filter) throws Exception {
    long longest = 0;
    long begun = System.nanoTime();
    int pages = 0;
    Optional<String> before = Optional.empty();
    int found = 0;
    do {
      long page = System.nanoTime();
      LedgerPage read = ca.ca().certificates(new LedgerQuery(filter, 1000, before));
      longest = Math.max(longest, System.nanoTime() - page);
      found += read.items().size();
      before = read.next();
      pages++;
    } while (before.isPresent() && pages < 50);
    System.out.printf(
        "search for %s: %,d found on %d pages, %.1f ms, the longest page %.1f ms%n",
        what, found, pages, (System.nanoTime() - begun) / 1e6, longest / 1e6);
  }

  private static double median(List<Double> values) {
    List<Double> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    return sorted.get(sorted.size() / 2);
  }

  /** Rows as a gateway leaves them that issued one certificate a second. */
  private void fill(TestCa ca, int count) throws Exception {
    ca.ca().close();
    try (Ledger ledger = Ledger.open(ca.settings.directory())) {
      List<CompletableFuture<?>> all = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        byte[] serial = serials.next(TestCa.NOW.minusSeconds(count - i));
        all.add(ledger.record(intent(i, serial, TestCa.NOW.minusSeconds(count - i))));
        if (all.size() == 2000 || i == count - 1) {
          CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0])).join();
          all.clear();
        }
      }
    }
    ca.reopen();
  }

  private static LeafIntent intent(int number, byte[] serial, Instant issued) {
    String module = "module" + number % MODULES;
    LeafPlan plan =
        new LeafPlan(
            TestCa.leaf(Profile.SERVER),
            TestCa.subject(module + ".gateway.example"),
            List.of(
                new SanName.Dns(module + ".gateway.example"),
                new SanName.Dns("gateway.local"),
                new SanName.Dns(module),
                new SanName.Uri("spiffe://gateway.example/" + module)),
            issued,
            issued.plus(Duration.ofHours(1)),
            issued);
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
    return new LeafIntent(grant, plan, 2, serial, Octets.sha256(serial), Octets.sha256(serial));
  }
}
