package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyType;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Searching the ledger: what is found, in which order, and in how many steps. */
class LedgerSearchTest {
  private static final List<LedgerEntry.State> STATES = List.of(LedgerEntry.State.values());

  private static final int COUNT = 300;
  private static final Instant START = TestCa.NOW;
  private static final LedgerSearch.Reach FAR = new LedgerSearch.Reach(50_000, 100);
  private static final LedgerSearch.Reach NEAR = new LedgerSearch.Reach(17, 1);

  @TempDir Path folder;
  private final Serials serials = new Serials();
  private final Random random = new Random(11);
  private Ledger ledger;
  private Connection connection;

  @BeforeEach
  void fill() throws Exception {
    ledger = Ledger.create(folder);
    for (AuthorityInfo.Role role :
        List.of(AuthorityInfo.Role.ROOT, AuthorityInfo.Role.DEVICE, AuthorityInfo.Role.DEVICE)) {
      ledger.reserve(
          new NewAuthority(role, "software", KeyType.EC_P256, AuthorityInfo.State.ACTIVE),
          serials.next(START));
    }
    List<CompletableFuture<?>> all = new ArrayList<>();
    for (int i = 0; i < COUNT; i++) {
      all.add(record(i));
    }
    CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0])).join();
    connection = LedgerSchema.connectToRead(folder.resolve(LedgerSchema.FILE));
  }

  @AfterEach
  void close() throws Exception {
    connection.close();
    ledger.close();
  }

  /** The clock goes back now and then, and the ends are in no order. */
  private CompletableFuture<?> record(int number) {
    Instant now = START.plusSeconds(number).minusSeconds(number % 10 == 9 ? 50 : 0);
    byte[] serial = serials.next(now);
    LeafPlan plan =
        new LeafPlan(
            TestCa.leaf(number % 4 == 0 ? Profile.IDENTITY : Profile.SERVER),
            TestCa.subject("a.local"),
            List.of(new SanName.Dns("a.local")),
            now,
            now.plusSeconds(3600L * (1 + random.nextInt(20))),
            now);
    Grant grant =
        new Grant(
            number % 30 == 0 ? "rare" : "often" + number % 3,
            "1",
            Set.of(plan.profile().name()),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            Optional.empty());
    CompletableFuture<?> recorded =
        ledger.record(new LeafIntent(grant, plan, 2 + number % 2, serial, serial, new byte[32]));
    ledger.outcome(serial, STATES.get(number % 4));
    return recorded;
  }

  private List<LedgerEntry> all(LedgerFilter filter, int limit, LedgerSearch.Reach reach)
      throws Exception {
    List<LedgerEntry> found = new ArrayList<>();
    Optional<String> before = Optional.empty();
    int pages = 0;
    do {
      LedgerPage page =
          LedgerSearch.page(connection, new LedgerQuery(filter, limit, before), reach);
      assertThat(page.items()).hasSizeLessThanOrEqualTo(limit);
      found.addAll(page.items());
      before = page.next();
      assertThat(++pages).isLessThan(2 * COUNT);
    } while (before.isPresent());
    return found;
  }

  private static LedgerFilter filter(
      Optional<String> module,
      Optional<String> serial,
      LedgerFilter.Window issued,
      LedgerFilter.Window ends,
      Optional<LedgerEntry.State> state,
      Optional<String> authority,
      Optional<String> profile) {
    return new LedgerFilter(module, serial, issued, ends, state, authority, profile);
  }

  private <T> Optional<T> maybe(T value) {
    return random.nextBoolean() ? Optional.of(value) : Optional.empty();
  }

  private LedgerFilter.Window window(Duration most) {
    if (random.nextBoolean()) {
      return LedgerFilter.Window.ALWAYS;
    }
    long seconds = random.nextLong(most.toSeconds());
    return new LedgerFilter.Window(
        maybe(START.plusSeconds(seconds)), maybe(START.plusSeconds(seconds * 2)));
  }

  @Test
  void everyFilterFindsWhatHoldingEachEntryAgainstItFinds() throws Exception {
    assertThat(ledger.find(new byte[16])).isEmpty();
    List<LedgerEntry> everything = all(LedgerFilter.ALL, 1000, FAR);
    assertThat(everything).hasSize(COUNT);
    String somebody = everything.get(COUNT / 2).serial();
    for (int round = 0; round < 300; round++) {
      LedgerFilter filter =
          filter(
              maybe(round % 2 == 0 ? "rare" : "often1"),
              random.nextInt(4) == 0
                  ? Optional.of(somebody.substring(0, 1 + random.nextInt(32)))
                  : Optional.empty(),
              window(Duration.ofSeconds(COUNT)),
              window(Duration.ofHours(21)),
              maybe(STATES.get(round % 4)),
              maybe("device-" + (1 + round % 2)),
              maybe("server"));
      Set<String> wanted = new HashSet<>();
      everything.stream().filter(filter::takes).forEach(entry -> wanted.add(entry.serial()));
      List<LedgerEntry> found = all(filter, 1 + random.nextInt(20), round % 3 == 0 ? NEAR : FAR);
      assertThat(found)
          .as(filter.toString())
          .extracting(LedgerEntry::serial)
          .doesNotHaveDuplicates();
      assertThat(found)
          .as(filter.toString())
          .extracting(LedgerEntry::serial)
          .containsExactlyInAnyOrderElementsOf(wanted);
    }
  }

  @Test
  void theOrderIsThatOfTheQuestion() throws Exception {
    LedgerFilter.Window always =
        new LedgerFilter.Window(Optional.of(Instant.EPOCH), Optional.empty());
    Optional<String> none = Optional.empty();
    List<LedgerEntry> issued =
        all(
            filter(none, none, always, LedgerFilter.Window.ALWAYS, Optional.empty(), none, none),
            7,
            NEAR);
    assertThat(issued)
        .hasSize(COUNT)
        .isSortedAccordingTo(Comparator.comparing(LedgerEntry::serial).reversed());
    List<LedgerEntry> ending =
        all(
            filter(none, none, LedgerFilter.Window.ALWAYS, always, Optional.empty(), none, none),
            7,
            NEAR);
    assertThat(ending)
        .hasSize(COUNT)
        .isSortedAccordingTo(Comparator.comparing(LedgerEntry::notAfter));
  }

  @Test
  void whatIsIssuedMeanwhileMovesNothing() throws Exception {
    List<LedgerEntry> before = all(LedgerFilter.ALL, 1000, FAR);
    LedgerPage first =
        LedgerSearch.page(
            connection, new LedgerQuery(LedgerFilter.ALL, 100, Optional.empty()), FAR);
    for (int i = 0; i < 50; i++) {
      record(i).join();
    }
    List<LedgerEntry> read = new ArrayList<>(first.items());
    Optional<String> next = first.next();
    while (next.isPresent()) {
      LedgerPage page =
          LedgerSearch.page(connection, new LedgerQuery(LedgerFilter.ALL, 100, next), FAR);
      read.addAll(page.items());
      next = page.next();
    }
    assertThat(read).extracting(LedgerEntry::serial).isEqualTo(serialsOf(before));
  }

  private static List<String> serialsOf(List<LedgerEntry> entries) {
    return entries.stream().map(LedgerEntry::serial).toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "g", "A", "000000000000000000000000000000000", "%", "4' OR 1=1"})
  void whatBeginsNoSerialNumberIsInvalid(String serial) {
    refused(ofSerial(serial), Optional.empty());
  }

  private static LedgerFilter ofSerial(String serial) {
    return filter(
        Optional.empty(),
        Optional.of(serial),
        LedgerFilter.Window.ALWAYS,
        LedgerFilter.Window.ALWAYS,
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  private void refused(LedgerFilter filter, Optional<String> before) {
    Refusals.assertRefused(
        Reason.REQUEST_INVALID,
        () -> LedgerSearch.page(connection, new LedgerQuery(filter, 10, before), FAR));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "device", "device-9", "device-1 ", "DEVICE-1", "x'--1"})
  void anAuthorityThatThereIsNotIsInvalidAndNotJustEmpty(String authority) {
    refused(
        filter(
            Optional.empty(),
            Optional.empty(),
            LedgerFilter.Window.ALWAYS,
            LedgerFilter.Window.ALWAYS,
            Optional.empty(),
            Optional.of(authority),
            Optional.empty()),
        Optional.empty());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--1",
        "s.",
        "s.00",
        "s.zz",
        "e.1",
        "e.1.",
        "e.-1.1",
        "a.1",
        "a.1.zzzzzzzzz",
        "x.1.1",
        "....",
        "s.00000000000000000000000000000000",
        "e.1.1"
      })
  void aCursorOfAnotherOrderOrOfNobodyIsInvalid(String before) {
    refused(LedgerFilter.ALL, Optional.of(before));
  }

  @Test
  void timesBeyondAllSerialNumbersFindAllOrNothing() throws Exception {
    for (Instant early : List.of(Instant.MIN, Instant.EPOCH.minusSeconds(1), Instant.EPOCH)) {
      assertThat(all(issued(Optional.of(early), Optional.empty()), 1000, FAR)).hasSize(COUNT);
      assertThat(all(issued(Optional.empty(), Optional.of(early)), 1000, FAR)).isEmpty();
    }
    assertThat(all(issued(Optional.empty(), Optional.of(Instant.MAX)), 1000, FAR)).hasSize(COUNT);
    assertThat(all(issued(Optional.of(Instant.MAX), Optional.empty()), 1000, FAR)).isEmpty();
  }

  private static LedgerFilter issued(Optional<Instant> from, Optional<Instant> to) {
    return filter(
        Optional.empty(),
        Optional.empty(),
        new LedgerFilter.Window(from, to),
        LedgerFilter.Window.ALWAYS,
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }
}
