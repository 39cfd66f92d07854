package dev.vouchsafe.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.audit.AuditReport.Kind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The power goes while a group of entries is on its way to the disk, which writes its pages in any
 * order; and somebody does by hand what looks like that.
 */
class PowerCutTest {
  private static final int PAGE = 4096;
  private static final int SECTOR = 512;
  private static final int GROUP = 40;

  @TempDir Path home;
  private TestLog log;

  /** The file before the last group, and with it. */
  private byte[] before;

  private byte[] file;

  @BeforeEach
  void write() throws Exception {
    log = new TestLog(home);
    log.write(3);
    try (LogWriter writer = log.open()) {
      log.append(writer, TestLog.decision("synced", AuditEvent.Outcome.ISSUED));
      before = Files.readAllBytes(log.only());
      log.append(writer, group("lost"));
      file = Files.readAllBytes(log.only());
    }
    assertThat(file.length - before.length).isGreaterThan(4 * PAGE);
  }

  private static AuditEvent[] group(String module) {
    AuditEvent[] events = new AuditEvent[GROUP];
    Arrays.fill(events, TestLog.decision(module, AuditEvent.Outcome.ISSUED));
    return events;
  }

  private List<Path> aside() throws Exception {
    try (var files = Files.list(log.folder)) {
      return files.filter(path -> path.toString().endsWith(".torn")).sorted().toList();
    }
  }

  private AuditEvent.Started lastStart() throws Exception {
    return log.entries().stream()
        .map(AuditEntry::event)
        .filter(AuditEvent.Started.class::isInstance)
        .map(AuditEvent.Started.class::cast)
        .reduce((a, b) -> b)
        .orElseThrow();
  }

  /** As the disk has it if those octets of the last group never reached it. */
  private byte[] without(byte[] whole, int from, int to) {
    byte[] left = whole.clone();
    Arrays.fill(left, Math.max(from, before.length), Math.min(to, whole.length), (byte) 0);
    return left;
  }

  private void assertHeldAsACrash(byte[] left, String what) throws Exception {
    aside().forEach(path -> assertThat(path.toFile().delete()).isTrue());
    log.replace(left);
    AuditReport crashed = log.verify();
    assertThat(crashed.sound()).as(what + ": " + crashed.findings()).isTrue();
    int good = TestLog.joined(TestLog.lines(Arrays.copyOf(left, goodLength(left)))).length;
    assertThat(good).as(what).isGreaterThanOrEqualTo(before.length);
    try (LogWriter writer = log.open()) {
      log.append(writer, TestLog.decision("after", AuditEvent.Outcome.ISSUED));
      String _ = writer.checkpoint();
    }
    assertThat(log.verify().findings()).as(what).isEmpty();
    assertThat(log.segments()).as(what).hasSize(1);
    assertThat(Files.readAllBytes(log.only())).as(what).startsWith(Arrays.copyOf(left, good));
    assertThat(lastStart().tornOctets()).as(what).isEqualTo(left.length - good);
    assertThat(lastStart().note()).as(what).isEmpty();
    byte[] rest = Arrays.copyOfRange(left, good, left.length);
    if (new String(rest, StandardCharsets.ISO_8859_1).indexOf('\n') >= 0) {
      assertThat(aside()).as(what).hasSize(1);
      assertThat(aside().getFirst()).as(what).hasBinaryContent(rest);
      assertThat(lastStart().tornEntries()).as(what).isBetween(1L, (long) GROUP);
    }
  }

  /** Up to the first octet that is missing. */
  private static int goodLength(byte[] left) {
    int length = 0;
    while (length < left.length && left[length] != 0) {
      length++;
    }
    return length;
  }

  @Test
  void anyPagesOfTheLastGroupMayBeMissing() throws Exception {
    int first = before.length / PAGE;
    int last = (file.length - 1) / PAGE;
    int pages = last - first + 1;
    Random random = new Random(7);
    for (int i = 0; i < 60; i++) {
      byte[] left = file.clone();
      StringBuilder what = new StringBuilder("missing pages");
      int size = file.length;
      for (int page = 0; page < pages; page++) {
        if (random.nextBoolean()) {
          left = without(left, (first + page) * PAGE, (first + page + 1) * PAGE);
          what.append(' ').append(page);
        }
      }
      if (i % 3 == 0) {
        size = Math.min(file.length, (first + 1 + random.nextInt(pages)) * PAGE);
        what.append(", size ").append(size);
      }
      assertHeldAsACrash(Arrays.copyOf(left, Math.max(size, before.length)), what.toString());
    }
  }

  @Test
  void eachSectorOfTheLastGroupMayBeMissing() throws Exception {
    for (int from = before.length / SECTOR * SECTOR; from < file.length; from += SECTOR) {
      assertHeldAsACrash(without(file, from, from + SECTOR), "sector at " + from);
    }
  }

  @Test
  void theWholeGroupMayBeMissingInAFileThatWasJustBegun(@TempDir Path other) throws Exception {
    log = new TestLog(other);
    before = new byte[0];
    log.write(1);
    try (LogWriter writer = log.open()) {
      String _ = writer.checkpoint();
      writer.roll();
      log.append(writer, group("lost"));
    }
    Path last = log.segments().getLast();
    file = Files.readAllBytes(last);
    for (byte[] left :
        List.of(
            without(file, 0, PAGE),
            without(file, 0, SECTOR),
            without(file, 2 * SECTOR, file.length),
            new byte[file.length],
            new byte[0])) {
      Files.write(last, left);
      assertThat(log.verify().sound()).isTrue();
      log.open().close();
      assertThat(log.segments()).hasSize(2);
      assertThat(log.verify().sound()).isTrue();
      assertThat(log.verify().findings()).isEmpty();
    }
  }

  /** The next group shows that this one was on the disk. */
  @Test
  void aHoleInWhatWasSyncedIsNoCrash() throws Exception {
    try (LogWriter writer = log.open()) {
      log.append(writer, group("next"));
    }
    byte[] longer = Files.readAllBytes(log.only());
    for (int from = before.length / SECTOR * SECTOR; from < file.length; from += SECTOR) {
      log.replace(without(longer, from, from + SECTOR));
      assertThat(log.verify().sound()).as("sector at " + from).isFalse();
    }
    try (LogWriter writer = log.open()) {
      String _ = writer.checkpoint();
    }
    assertThat(log.segments()).as("nothing is cut off").hasSize(2);
    assertThat(lastStart().note()).contains("audit verify");
    assertThat(log.verify().sound()).isFalse();
    assertThat(aside()).isEmpty();
  }

  @Test
  void aHoleInWhatACheckpointCoversIsNoCrash() throws Exception {
    try (LogWriter writer = log.open()) {
      String _ = writer.checkpoint();
    }
    byte[] signed = Files.readAllBytes(log.only());
    for (int from = 0; from + SECTOR <= file.length; from += SECTOR) {
      byte[] left = signed.clone();
      Arrays.fill(left, from, from + SECTOR, (byte) 0);
      log.replace(left);
      assertThat(log.verify().sound()).as("sector at " + from).isFalse();
      log.open().close();
      assertThat(log.segments()).as("sector at " + from).hasSize(2);
      Files.delete(log.segments().getLast());
    }
    assertThat(aside()).isEmpty();
  }

  /** A disk loses sectors: whoever changes less, or writes something else there, is no crash. */
  @Test
  void anEditInTheLastGroupIsNoCrash() throws Exception {
    Random random = new Random(11);
    for (int i = 0; i < 300; i++) {
      byte[] left = file.clone();
      // Not the line feed at the end: without that the last line is torn, which says what it is.
      int at = before.length + random.nextInt(file.length - 1 - before.length);
      int bit = 1 << random.nextInt(8);
      left[at] ^= (byte) bit;
      log.replace(left);
      if (at < file.length - lastLine().length) {
        assertThat(log.verify().sound()).as("octet " + at + " ^ " + bit).isFalse();
      }
    }
    for (int i = 0; i < 100; i++) {
      int at = before.length + 1 + random.nextInt(file.length - 1000 - before.length);
      if (at % SECTOR != 0) {
        log.replace(without(file, at, at + SECTOR));
        assertThat(log.verify().sound()).as("a hole at " + at).isFalse();
      }
    }
  }

  private byte[] lastLine() {
    return TestLog.lines(file).getLast();
  }

  @Test
  void aLineOfTheLastGroupThatIsTakenOutOrDoubledIsNoCrash() throws Exception {
    List<byte[]> lines = TestLog.lines(file);
    int first = TestLog.lines(before).size();
    for (int i = first; i < lines.size() - 1; i++) {
      List<byte[]> fewer = new ArrayList<>(lines);
      fewer.remove(i);
      log.replace(TestLog.joined(fewer));
      assertThat(log.verify().sound()).as("without line " + i).isFalse();
      List<byte[]> more = new ArrayList<>(lines);
      more.add(i, lines.get(i));
      log.replace(TestLog.joined(more));
      assertThat(log.verify().sound()).as("line " + i + " twice").isFalse();
    }
  }

  /** The power goes again, after the cut and before it is on record. */
  @Test
  void whatWasSetAsideIsOnRecordAlsoIfTheNextStartIsCutShort() throws Exception {
    byte[] left =
        without(file, (before.length / PAGE + 1) * PAGE, (file.length - 600) / PAGE * PAGE);
    log.replace(left);
    log.open().close();
    AuditEvent.Started said = lastStart();
    assertThat(said.tornOctets()).isPositive();
    assertThat(said.tornEntries()).isPositive();
    assertThat(aside()).hasSize(1);
    byte[] cut = Files.readAllBytes(log.only());
    int start = TestLog.lines(cut).getLast().length;
    log.replace(Arrays.copyOf(cut, cut.length - start));
    log.open().close();
    assertThat(lastStart().tornOctets()).isEqualTo(said.tornOctets());
    assertThat(lastStart().tornEntries()).isEqualTo(said.tornEntries());
    log.open().close();
    assertThat(lastStart().tornOctets()).as("it is said once").isZero();
    assertThat(log.verify().findings())
        .extracting(AuditReport.Finding::kind)
        .doesNotContain(Kind.NOT_A_LINE, Kind.CHAIN_BROKEN);
  }

  /** Logs of older versions say of no line which group it was of. */
  @Test
  void aLineThatNamesNoGroupWasSynced() throws Exception {
    List<byte[]> lines = TestLog.lines(file);
    String all = new String(TestLog.joined(lines), StandardCharsets.US_ASCII);
    assertThat(all).contains("\"with\":");
    byte[] old = all.replaceAll("\"with\":[0-9]+,", "").getBytes(StandardCharsets.US_ASCII);
    Arrays.fill(
        old, (before.length / PAGE + 1) * PAGE, (before.length / PAGE + 2) * PAGE, (byte) 0);
    log.replace(old);
    assertThat(log.verify().sound()).isFalse();
  }
}
