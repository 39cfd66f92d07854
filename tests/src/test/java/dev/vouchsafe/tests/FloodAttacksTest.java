package dev.vouchsafe.tests;

import static dev.vouchsafe.tests.AttackGround.HONEST;
import static dev.vouchsafe.tests.AttackGround.MODULE;
import static dev.vouchsafe.tests.AttackGround.OTHER;
import static dev.vouchsafe.tests.AttackGround.certificateOf;
import static dev.vouchsafe.tests.AttackGround.path;
import static dev.vouchsafe.tests.AttackGround.sha256;
import static dev.vouchsafe.tests.AttackGround.uid;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Attacks that take from others: places, time and the processor. The honest are served all along.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FloodAttacksTest {
  private static final int ISSUED = 201;

  /** The connection ended without an answer. */
  private static final int NOTHING = 0;

  private static final int MANY = 10_000;

  /** What a process of the attacker's needs besides its connections. */
  private static final int OTHER_FILES = 16;

  private static final long FIRST_OF_TEN = 62_000;
  private static final int HANGING = 40;
  private static final int STRICT = 60;
  private static final int TIMES = 20;
  private static final Duration LONGEST = Duration.ofSeconds(3);

  private AttackGround ground;
  private Path trusted;

  @BeforeAll
  void open() throws Exception {
    ground = AttackGround.open();
    trusted = ground.trusted();
    ground.register("honest", List.of(uid(HONEST), path(trusted)));
    ground.register("attacker", List.of(uid(OTHER)));
  }

  @AfterAll
  void close() throws IOException {
    if (ground != null) {
      ground.close();
    }
  }

  /** Each of several certificates for an honest module comes, and comes soon. */
  private void assertTheHonestAreServed() throws Exception {
    for (int i = 0; i < TIMES; i++) {
      long start = System.nanoTime();
      assertThat(ground.ask(HONEST, trusted, "honest")).isEqualTo(ISSUED);
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LONGEST);
    }
  }

  @Test
  void tenThousandConnectionsOfOneUserKeepNobodyElseOut() throws Exception {
    List<String> flood =
        AttackGround.as(OTHER, ground.program("flood"), ground.socket(), Integer.toString(MANY));
    assertTheHonestAreServed();
    try (Attacker attacker = Attacker.start(flood)) {
      assertTheHonestAreServed();
      int opened = attacker.number("opened");
      assertThat(opened).isGreaterThanOrEqualTo(Math.min(MANY, mostFiles() - OTHER_FILES));
      assertTheHonestAreServed();
    }
    assertThat(ground.gateway().isAlive()).isTrue();
  }

  /** Who has subordinate user ids can be as many users as he likes. */
  @Test
  void aThousandConnectionsOfEachOfTenUsersKeepNobodyElseOut() throws Exception {
    List<Attacker> attackers = new ArrayList<>();
    try {
      for (int i = 0; i < 10; i++) {
        attackers.add(
            Attacker.start(
                AttackGround.as(
                    FIRST_OF_TEN + i, ground.program("flood"), ground.socket(), "1000")));
      }
      for (Attacker attacker : attackers) {
        assertThat(attacker.number("opened")).isEqualTo(1000);
      }
      assertTheHonestAreServed();
    } finally {
      for (Attacker attacker : attackers) {
        attacker.close();
      }
    }
  }

  private static String waitsFor(String module) {
    return "GET /v1/identity?wait=60&module=" + module + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  }

  @Test
  void aThousandWhoWaitForARegistrationThatNeverComesHoldUpNobodyElse() throws Exception {
    List<String> flood =
        AttackGround.as(OTHER, ground.program("flood"), ground.socket(), "1000", waitsFor("never"));
    try (Attacker attacker = Attacker.start(flood)) {
      assertThat(attacker.number("opened")).isEqualTo(1000);
      List<String> waits =
          AttackGround.as(HONEST, trusted, "kept", ground.socket(), waitsFor("late"));
      try (Attacker honest = Attacker.start(waits)) {
        assertTheHonestAreServed();
        long start = System.nanoTime();
        ground.register("late", List.of(uid(HONEST)));
        assertThat(honest.answer()).isEqualTo(200);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LONGEST);
      }
      assertTheHonestAreServed();
    }
  }

  /** What may be waited for hangs in a file system of the attacker's own. */
  @ParameterizedTest
  @ValueSource(strings = {"exec", "map"})
  void processesThatWhoeverLooksAtThemHangsWithKeepNobodyElseOut(String what) throws Exception {
    List<String> hang =
        AttackGround.as(
            OTHER,
            ground.program("hang"),
            what,
            ground.folderOf(OTHER, what).toString(),
            ground.socket(),
            certificateOf("attacker"),
            Integer.toString(HANGING));
    assertTheHonestAreServed();
    try (Attacker attacker = Attacker.start(hang)) {
      assertThat(attacker.number("hanging")).isEqualTo(HANGING);
      assertTheHonestAreServed();
      for (int i = 0; i < HANGING; i++) {
        assertThat(attacker.answer()).isIn(503, 403, NOTHING);
      }
      assertTheHonestAreServed();
    }
    assertThat(ground.ask(OTHER, trusted, "attacker")).as("when that is over").isEqualTo(ISSUED);
  }

  /** A strict look takes milliseconds: all descriptors of all processes are gone through. */
  @Test
  void sixtyStrictConnectionsThatAreNeverIdleKeepNobodyElseFromAnAnswer() throws Exception {
    ground.register("strict-storm", List.of(uid(OTHER)), "strict = true");
    List<String> storm =
        AttackGround.as(
            OTHER,
            ground.program("storm"),
            ground.socket(),
            "GET /v1/identity?module=strict-storm HTTP/1.1\r\nHost: localhost\r\n\r\n",
            Integer.toString(STRICT));
    assertTheHonestAreServed();
    try (Attacker attacker = Attacker.start(storm)) {
      int first = attacker.number("answered");
      assertThat(first).isGreaterThanOrEqualTo(STRICT);
      int before = first;
      for (int i = 0; i < TIMES; i++) {
        assertThat(ground.ask(HONEST, trusted, "honest")).isEqualTo(ISSUED);
        attacker.go();
        int now = attacker.number("answered");
        // One honest request may well be answered before any of the sixty.
        assertThat(now).isGreaterThanOrEqualTo(before);
        before = now;
        assertThat(attacker.number("refused")).isGreaterThanOrEqualTo(0);
      }
      assertThat(before).as("the storm went on meanwhile").isGreaterThan(first);
    }
  }

  /** How many files a process may have open at the most: 20,000 on a machine like CI's. */
  private static int mostFiles() throws IOException, InterruptedException {
    return Integer.parseInt(Programs.run("sh", "-c", "ulimit -Hn").done().strip());
  }

  @Test
  void headsAndBodiesThatComeAnOctetAtATimeAreGivenUpWhileOthersAreServed() throws Exception {
    Pattern counts = Pattern.compile("ended (\\d+) late (\\d+) after (\\d+)");
    List<Process> drips = new ArrayList<>();
    for (String what : List.of("head", "body")) {
      drips.add(
          new ProcessBuilder(
                  AttackGround.as(OTHER, ground.program("drip"), what, ground.socket(), "200"))
              .start());
    }
    assertTheHonestAreServed();
    for (Process drip : drips) {
      String said = new String(drip.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      Matcher matcher = counts.matcher(said.strip());
      assertThat(matcher.matches()).as(said).isTrue();
      assertThat(Integer.parseInt(matcher.group(1))).as(said).isEqualTo(200);
      assertThat(Integer.parseInt(matcher.group(2))).as(said).isEqualTo(200);
      assertThat(Long.parseLong(matcher.group(3))).as(said).isLessThan(10_000);
      assertThat(drip.waitFor()).isZero();
    }
  }

  /** Whether the thread that reads the modules' connections sleeps at any of many looks. */
  private boolean rests() throws IOException {
    List<Path> loops = new ArrayList<>();
    try (DirectoryStream<Path> tasks =
        Files.newDirectoryStream(Path.of("/proc/" + ground.gateway().pid() + "/task"))) {
      for (Path task : tasks) {
        if (Files.readString(task.resolve("comm")).startsWith("vouchsafe-unix")) {
          loops.add(task.resolve("stat"));
        }
      }
    }
    assertThat(loops).isNotEmpty();
    for (Path stat : loops) {
      boolean slept = false;
      for (int look = 0; look < 1000 && !slept; look++) {
        String text = Files.readString(stat);
        slept = text.charAt(text.lastIndexOf(')') + 2) == 'S';
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
      }
      if (!slept) {
        return false;
      }
    }
    return true;
  }

  @ParameterizedTest
  @ValueSource(strings = {"first", "head", "after"})
  void anUrgentOctetThatNoReadTakesDoesNotKeepTheServiceBusy(String when) throws Exception {
    Process urgent =
        new ProcessBuilder(
                AttackGround.as(
                    OTHER, ground.program("urgent"), when, ground.socket(), "8", "3000"))
            .start();
    try {
      // A thread that reads in vain runs at each look, or is about to.
      for (int i = 0; i < 10 && urgent.isAlive(); i++) {
        assertThat(rests()).isTrue();
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
      }
    } finally {
      assertThat(urgent.waitFor()).isZero();
    }
    assertThat(ground.ask(HONEST, trusted, "honest")).isEqualTo(ISSUED);
  }

  private int openFiles() {
    String[] files = Path.of("/proc/" + ground.gateway().pid() + "/fd").toFile().list();
    return files == null ? 0 : files.length;
  }

  @Test
  void descriptorsSentAlongWithARequestAreNotTakenIn() throws Exception {
    assertThat(ground.ask(HONEST, trusted, "honest")).isEqualTo(ISSUED);
    int before = openFiles();
    List<String> attach =
        AttackGround.as(
            OTHER, ground.program("attach"), ground.socket(), certificateOf("attacker"), "20");
    try (Attacker attacker = Attacker.start(attach)) {
      assertThat(attacker.answer()).isEqualTo(ISSUED);
      // Its connection has a few, and workers may have some under way; it sent 2,000.
      assertThat(openFiles()).isLessThan(before + 50);
    }
  }

  private Path sparse(String name, long size) throws Exception {
    Path program = AttackGround.copy(trusted, ground.openFolder("sparse").resolve(name));
    try (RandomAccessFile file = new RandomAccessFile(program.toFile(), "rw")) {
      file.setLength(size);
    }
    return program;
  }

  @Test
  void anExecutableOfATerabyteGetsNothingAndIsNotWaitedFor() throws Exception {
    Path giant = sparse("giant", 1L << 40);
    ground.register("giant", List.of(uid(MODULE), "unix:sha256:" + "0".repeat(64)));
    ground.register("hashed", List.of(uid(HONEST), sha256(trusted)));
    long start = System.nanoTime();
    assertThat(ground.ask(MODULE, giant, "giant")).isEqualTo(403);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LONGEST);
    assertThat(ground.ask(HONEST, trusted, "hashed")).isEqualTo(ISSUED);
  }

  @Test
  void executablesThatTakeLongToHashDelayNobodyElsesHash() throws Exception {
    ground.register("slow", List.of(uid(MODULE), "unix:sha256:" + "0".repeat(64)));
    List<Process> attackers = new ArrayList<>();
    try {
      for (int i = 0; i < 8; i++) {
        Path large = sparse("large" + i, 500L << 20);
        attackers.add(
            new ProcessBuilder(
                    AttackGround.as(MODULE, large, "ask", ground.socket(), certificateOf("slow")))
                .start());
      }
      Path other = AttackGround.copy(trusted, ground.openFolder("hashed").resolve("other"));
      ground.register("other", List.of(uid(HONEST), path(other), sha256(other)));
      long start = System.nanoTime();
      assertThat(ground.ask(HONEST, other, "other")).isEqualTo(ISSUED);
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(LONGEST);
    } finally {
      for (Process attacker : attackers) {
        String said = new String(attacker.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(said).matches("answer (403|429|503)\n");
        attacker.waitFor();
      }
    }
  }
}
