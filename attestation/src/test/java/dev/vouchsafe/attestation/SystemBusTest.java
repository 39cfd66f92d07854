package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A message bus that is away, silent or no bus at all, and what is made of a manager's answers. */
@Timeout(60)
class SystemBusTest {
  private static final Duration LIMIT = Duration.ofMillis(500);

  @TempDir Path folder;
  private final AtomicLong nanos = new AtomicLong();

  private static ProcessCaller in(String cgroup) {
    return new ProcessCaller(
        new ProcessCaller.Peer(1, 0, 0, List.of()),
        new ProcessCaller.Descriptors(-1, -1, -1),
        new ProcessCaller.State(
            new Credentials(0, 0, 0, 0, 0, 0, 0, 0),
            null,
            MemorySegment.ofArray(cgroup.getBytes(StandardCharsets.UTF_8)),
            null),
        new SocketId(0, 0),
        new ScratchPool());
  }

  private static void assumeLibrary() {
    boolean there;
    try {
      there = SymbolLookup.libraryLookup("libsystemd.so.0", Arena.global()) != null;
    } catch (IllegalArgumentException e) {
      there = false;
    }
    assumeTrue(there, "needs libsystemd.so.0");
  }

  @Test
  void aBusThatIsNotThereSaysSo() {
    SystemBus bus = new SystemBus(folder.resolve("none"), LIMIT);
    assertThatThrownBy(() -> bus.unit("a.service")).isInstanceOf(IOException.class);
  }

  @Test
  void aBusThatIsSilentIsUnavailableAndCostsOneWait() throws Exception {
    assumeLibrary();
    try (FakeEngine silent = new FakeEngine(folder.resolve("bus"));
        SystemdUnits units =
            new SystemdUnits(new SystemBus(silent.socket, LIMIT)::unit, nanos::get)) {
      long start = System.nanoTime();
      for (int i = 0; i < 20; i++) {
        Finding finding =
            units.check(
                in("0::/system.slice/a.service"), Samples.selector("systemd:unit:a.service"));
        assertThat(finding.outcome()).isEqualTo(SelectorResult.Outcome.UNAVAILABLE);
      }
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
    }
  }

  @Test
  void somethingThatIsNoBusIsAnError() throws Exception {
    assumeLibrary();
    try (FakeEngine other = new FakeEngine(folder.resolve("bus"))) {
      other.answers("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.UTF_8));
      SystemBus bus = new SystemBus(other.socket, LIMIT);
      assertThatThrownBy(() -> bus.unit("a.service")).isInstanceOf(IOException.class);
    }
  }

  private static final String ID = "1".repeat(32);

  private SelectorResult.Outcome outcome(
      String path, String controlGroup, String selector, List<String> asked) {
    Asked.Source<String, UnitFacts> manager =
        name -> {
          asked.add(name);
          return new UnitFacts(controlGroup, ID);
        };
    try (SystemdUnits units = new SystemdUnits(manager, nanos::get)) {
      return units.check(in("0::" + path), Samples.selector(selector)).outcome();
    }
  }

  @Test
  void theManagerIsAskedForTheUnitThatTheCgroupNamesAndForNoOther() {
    List<String> asked = new CopyOnWriteArrayList<>();
    String path = "/system.slice/_cgroup.a.service";
    assertThat(outcome(path, path, "systemd:unit:cgroup.a.service", asked))
        .isEqualTo(SelectorResult.Outcome.HOLDS);
    assertThat(asked).containsExactly("cgroup.a.service");
    assertThat(outcome(path, path, "systemd:unit:b.service", asked))
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    assertThat(outcome("/", "/", "systemd:unit:b.service", asked))
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    assertThat(asked).hasSize(1);
  }

  @Test
  void onlyTheCgroupThatTheManagerGivesTheUnitIsTheUnit() {
    List<String> asked = new CopyOnWriteArrayList<>();
    String path = "/system.slice/a.service";
    for (String other : List.of("", "/", "/system.slice", "/a.service", path + "/", path + "/b")) {
      for (String selector : List.of("systemd:unit:a.service", "systemd:invocation-id:" + ID)) {
        assertThat(outcome(path, other, selector, asked))
            .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
      }
    }
    assertThat(outcome(path, path, "systemd:invocation-id:" + ID, asked))
        .isEqualTo(SelectorResult.Outcome.HOLDS);
    assertThat(outcome(path, path, "systemd:invocation-id:" + "2".repeat(32), asked))
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
  }

  @Test
  void nothingThatAUserNamesIsAUnitWhateverTheManagerSays() {
    List<String> asked = new CopyOnWriteArrayList<>();
    for (String path :
        List.of(
            "/user.slice/user-1000.slice/user@1000.service/app.slice/a.service",
            "/user.slice/user-1000.slice/a.service",
            "/user.slice/a.service",
            "/system.slice/user@1000.service/a.service",
            "/docker/x/user.slice/a.service")) {
      for (String selector : List.of("systemd:unit:a.service", "systemd:invocation-id:" + ID)) {
        assertThat(outcome(path, path, selector, asked))
            .as(path)
            .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
      }
    }
    assertThat(asked).isEmpty();
    String below = "/user.slice/user-1000.slice/user@1000.service/app.slice/a.service";
    assertThat(outcome(below, "/user.slice", "systemd:slice:user.slice", asked))
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    assertThat(
            outcome(
                "/user.slice/session-1.scope", "/user.slice", "systemd:slice:user.slice", asked))
        .isEqualTo(SelectorResult.Outcome.HOLDS);
  }

  @Test
  void aSliceIsOneThatThePathLeadsThroughAndNotANameFurtherDown() {
    List<String> asked = new CopyOnWriteArrayList<>();
    String path = "/edge.slice/edge-a.slice/x.service";
    assertThat(outcome(path, "/edge.slice", "systemd:slice:edge.slice", asked))
        .isEqualTo(SelectorResult.Outcome.HOLDS);
    assertThat(outcome(path, "/edge", "systemd:slice:edge.slice", asked))
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    assertThat(outcome(path, "", "systemd:slice:edge.slice", asked))
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    String forged = "/system.slice/evil.service/edge.slice/x.service";
    assertThat(outcome(forged, "/edge.slice", "systemd:slice:edge.slice", asked))
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    assertThat(asked).containsExactly("edge.slice", "edge.slice", "edge.slice");
  }

  @Test
  void manyQuestionsToSomebodyWhoHangsAreTurnedAwayAndNotKeptWaiting() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    Asked.Source<Integer, String> hangs =
        key -> {
          try {
            end.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          return "late";
        };
    try (Asked<Integer, String> asked = new Asked<>("nobody", hangs, nanos::get)) {
      assertThatThrownBy(() -> asked.get(1, 0)).hasMessageContaining("500 ms");
      assertThatThrownBy(() -> asked.get(1, 1)).hasMessageContaining("500 ms");
      long start = System.nanoTime();
      assertThatThrownBy(() -> asked.get(1, 0)).hasMessageContaining("500 ms");
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LIMIT);
      end.countDown();
    }
  }

  @Test
  void oneUserHasTwoQuestionsOpenAndTheOthersAreStillHeard() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    Asked.Source<Integer, String> hangs =
        key -> {
          try {
            end.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          return "late";
        };
    try (Asked<Integer, String> asked = new Asked<>("nobody", hangs, nanos::get)) {
      assertThatThrownBy(() -> asked.get(1, 1)).hasMessageContaining("500 ms");
      assertThatThrownBy(() -> asked.get(1, 2)).hasMessageContaining("500 ms");
      assertThatThrownBy(() -> asked.get(1, 3)).hasMessageContaining("too much");
      // What was turned away is nobody else's answer.
      assertThatThrownBy(() -> asked.get(2, 3)).hasMessageContaining("500 ms");
      end.countDown();
      nanos.addAndGet(2_000_000_000L);
      String said = "";
      for (long start = System.nanoTime();
          !said.equals("late") && System.nanoTime() - start < 20_000_000_000L; ) {
        try {
          said = asked.get(1, 4);
        } catch (IOException e) {
          assertThat(e).hasMessageContaining("too much");
        }
      }
      assertThat(said).isEqualTo("late");
    }
  }

  @Test
  void aSourceThatBreaksIsNoAnswer() throws Exception {
    Asked.Source<Integer, String> broken =
        key -> {
          throw new IOException("broken " + key);
        };
    try (Asked<Integer, String> asked = new Asked<>("nobody", broken, nanos::get)) {
      assertThatThrownBy(() -> asked.get(1, 7)).hasMessage("broken 7");
    }
  }
}
