package dev.vouchsafe.audit;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/** What reads the log, fed with anything. */
class LineFuzzTest {
  private static final TestKey KEY = new TestKey();
  private static final Instant TIME = Instant.parse("2026-11-23T10:00:00.123Z");

  private static final String HEADER =
      "{\"alg\":\"ES256\",\"typ\":\"vouchsafe-audit\",\"kid\":\""
          + AuditKeys.fingerprint(KEY.key())
          + "\"}";
  private static final String PAYLOAD =
      "{\"next\":7,\"hash\":\""
          + ChainEnd.START.hash()
          + "\",\"from\":0,\"fromHash\":\""
          + ChainEnd.START.hash()
          + "\",\"time\":\"2026-11-23T10:00:00.123Z\"}";

  private static List<AuditEvent> events() {
    return List.of(
        TestLog.decision("web", AuditEvent.Outcome.ISSUED),
        TestLog.decision("a\n\"\\\u202e\ud83d\ude00", AuditEvent.Outcome.REFUSED),
        new AuditEvent.Decision(
            AuditEvent.Outcome.UNAVAILABLE,
            "attestation-unavailable",
            "",
            new AuditEvent.Asked("web", "1", "token", "unix"),
            new AuditEvent.Who(
                1, 2, 3, List.of(4L, 4_294_967_295L), Optional.empty(), Optional.empty()),
            List.of(),
            List.of(),
            List.of("jti"),
            Optional.of(TIME)),
        new AuditEvent.Act(0, "reveal-key", "web", "done"),
        new AuditEvent.Registrations(2, List.of("a"), List.of("b"), List.of(), List.of("x: y")),
        new AuditEvent.Count("web", "sign", TIME, 45_000),
        new AuditEvent.Refusals(TIME, List.of(new AuditEvent.Alike(8, "refused", "r", 7)), 3),
        new AuditEvent.Started("1.0", 1, 2, 3, "note"),
        new AuditEvent.Lost(3),
        new AuditEvent.ClockJumped(TIME, TIME.plusSeconds(3600)),
        new AuditEvent.Trimmed(9, 1, 1000, "size"),
        new AuditEvent.Stopped(),
        new AuditEvent.Unknown("later"));
  }

  static Stream<byte[]> seeds() throws AuditUnavailableException {
    List<AuditEvent> all = new ArrayList<>(events());
    all.add(
        new AuditEvent.Checkpoint(
            new CheckpointText(ChainEnd.START, ChainEnd.START, TIME).sign(KEY, KEY.key())));
    return all.stream().map(event -> LineFormat.line(7, TIME, ChainEnd.START.hash(), 5, event));
  }

  private static byte[] line(AuditEntry entry) {
    return LineFormat.line(
        entry.sequence(), entry.time(), entry.before(), entry.with(), entry.event());
  }

  /** Either it is no line, or what was read of it writes a line that reads the same. */
  private static void parse(byte[] octets) {
    try {
      AuditEntry entry = LineParser.parse(octets);
      byte[] again = line(entry);
      assertThat(again.length).isLessThanOrEqualTo(LineFormat.LONGEST);
      AuditEntry read = LineParser.parse(again);
      assertThat(line(read)).isEqualTo(again);
    } catch (BadLineException e) {
      assertThat(e.getMessage()).isNotEmpty();
    }
  }

  @Tag("fuzz")
  @MethodSource("seeds")
  @FuzzTest(maxDuration = "30s")
  void lines(byte[] octets) {
    parse(octets);
  }

  /**
   * What nobody signed is refused; what the key signed says what a checkpoint does, or is refused.
   */
  private static void parseCheckpoint(String text) {
    try {
      CheckpointText _ = CheckpointText.verify(text, KEY.key());
      throw new AssertionError("signed by nobody");
    } catch (BadLineException e) {
      assertThat(e.getMessage()).isNotEmpty();
    }
    String jws = KEY.jws(HEADER, text);
    try {
      CheckpointText read = CheckpointText.verify(jws, KEY.key());
      String again = read.sign(KEY, KEY.key());
      assertThat(again.substring(0, again.lastIndexOf('.')))
          .isEqualTo(jws.substring(0, jws.lastIndexOf('.')));
    } catch (BadLineException e) {
      assertThat(e.getMessage()).isNotEmpty();
    } catch (AuditUnavailableException e) {
      throw new AssertionError(e);
    }
  }

  static Stream<byte[]> checkpointSeeds() {
    return Stream.of(ascii(PAYLOAD), ascii("a.b.c"), ascii(KEY.jws(HEADER, "{}") + "x"));
  }

  @Tag("fuzz")
  @MethodSource("checkpointSeeds")
  @FuzzTest(maxDuration = "20s")
  void checkpoints(byte[] octets) {
    parseCheckpoint(new String(octets, StandardCharsets.ISO_8859_1));
  }

  @Test
  void checkpointsWithRandomChangesAreReadOrRefusedAndNothingElse() {
    parseCheckpoint(PAYLOAD);
    Random random = new Random(9);
    for (int i = 0; i < 1_000; i++) {
      byte[] copy = ascii(PAYLOAD);
      for (int n = 1 + random.nextInt(3); n > 0; n--) {
        copy[random.nextInt(copy.length)] =
            (byte) "0123456789-+eE.{}[]\",:\\".charAt(random.nextInt(23));
      }
      parseCheckpoint(new String(copy, StandardCharsets.ISO_8859_1));
    }
  }

  @Test
  void everyKindOfEntryReadsAsItWasWritten() throws Exception {
    for (AuditEvent event : events()) {
      AuditEntry read = LineParser.parse(LineFormat.line(7, TIME, ChainEnd.START.hash(), event));
      assertThat(read.event()).isEqualTo(event);
      assertThat(read.time()).isEqualTo(TIME);
      assertThat(read.json()).isPrintable().hasLineCount(1);
    }
  }

  @Test
  void linesWithRandomChangesAreReadOrRefusedAndNothingElse() throws Exception {
    List<byte[]> valid = seeds().toList();
    Random random = new Random(5);
    for (int i = 0; i < 8_000; i++) {
      byte[] copy = valid.get(random.nextInt(valid.size())).clone();
      for (int n = 1 + random.nextInt(4); n > 0; n--) {
        int at = random.nextInt(copy.length);
        switch (random.nextInt(4)) {
          case 0 -> copy[at] = (byte) random.nextInt(256);
          case 1 -> copy[at] = copy[random.nextInt(copy.length)];
          case 2 -> copy[at] = (byte) "0123456789-+eE.{}[]\",:\\".charAt(random.nextInt(23));
          default -> copy = spliced(copy, valid.get(random.nextInt(valid.size())), at, random);
        }
      }
      parse(copy);
    }
  }

  private static byte[] spliced(byte[] one, byte[] other, int at, Random random) {
    int from = random.nextInt(other.length);
    byte[] joined = Arrays.copyOf(one, at + other.length - from);
    System.arraycopy(other, from, joined, at, other.length - from);
    return joined;
  }

  @Test
  void numbersTimesAndDepthsAtTheirLimitsAreReadOrRefused() {
    String head = "{\"seq\":%s,\"time\":\"%s\",\"prev\":\"" + "0".repeat(64) + "\",%s}\n";
    for (String number :
        List.of(
            "9223372036854775807",
            "9223372036854775808",
            "-1",
            "1e3",
            "1.0",
            "00",
            "1".repeat(99))) {
      parse(ascii(head.formatted(number, TIME, "\"type\":\"stop\"")));
      parse(ascii(head.formatted(1, TIME, "\"type\":\"lost\",\"count\":" + number)));
    }
    for (String time :
        List.of("+1000000000-12-31T23:59:59Z", "-1000000000-01-01T00:00:00Z", "x", "")) {
      parse(ascii(head.formatted(1, time, "\"type\":\"stop\"")));
    }
    for (String more :
        List.of(
            "\"type\":\"x\",\"a\":" + "[".repeat(10_000),
            "\"type\":\"stop\",\"type\":\"start\"",
            "\"type\":\"stop\"} {\"a\":1",
            "\"type\":\"" + "y".repeat(60_000) + "\"",
            "\"type\":\"decision\",\"outcome\":\"maybe\"")) {
      parse(ascii(head.formatted(1, TIME, more)));
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** Whole files of anything: verifying and opening end, and what was no log is never sound. */
  @Test
  void filesOfAnythingAreVerifiedToAnEnd(@TempDir Path home) throws Exception {
    Random random = new Random(6);
    TestLog log = new TestLog(home);
    log.write(2);
    byte[] good = Files.readAllBytes(log.only());
    for (int i = 0; i < 100; i++) {
      byte[] content = good.clone();
      int from = random.nextInt(content.length - 400);
      for (int k = from; k < from + 1 + random.nextInt(200); k++) {
        content[k] = (byte) (random.nextInt(8) == 0 ? '\n' : random.nextInt(256));
      }
      log.replace(content);
      AuditReport report = log.verify();
      assertThat(report.sound()).as("round " + i).isEqualTo(Arrays.equals(content, good));
      assertThat(report.findings()).hasSizeLessThanOrEqualTo(AuditVerifier.MOST_FINDINGS);
    }
    byte[] long1 = new byte[300_000];
    Arrays.fill(long1, (byte) 'x');
    log.replace(long1);
    assertThat(log.verify().sound()).as("one line without an end").isFalse();
    log.open().close();
  }

  @Test
  void textsOfStrangersAreCutAndNeverMakeALineTooLong() throws Exception {
    String wide = "\u0001".repeat(100_000);
    List<AuditEvent.Selector> selectors = new ArrayList<>();
    List<Long> groups = new ArrayList<>();
    List<String> many = new ArrayList<>();
    for (int i = 0; i < 5000; i++) {
      selectors.add(new AuditEvent.Selector(wide, wide, "no"));
      groups.add(Long.MAX_VALUE);
      many.add(wide);
    }
    for (AuditEvent event :
        List.of(
            new AuditEvent.Decision(
                AuditEvent.Outcome.REFUSED,
                wide,
                wide,
                new AuditEvent.Asked(wide, wide, wide, wide),
                new AuditEvent.Who(1, 2, 3, groups, Optional.of(wide), Optional.of(wide)),
                selectors,
                many,
                many),
            new AuditEvent.Registrations(5000, many, many, many, many),
            new AuditEvent.Act(1, wide, wide, wide),
            new AuditEvent.Count(wide, wide, TIME, 1))) {
      byte[] line = LineFormat.line(1, TIME, ChainEnd.START.hash(), event);
      assertThat(line.length).isLessThan(LineFormat.LONGEST);
      assertThat(LineParser.parse(line).event()).isInstanceOf(event.getClass());
    }
  }

  @Test
  void aKeysFileOfAnythingIsReadOrRefused(@TempDir Path home) throws Exception {
    String pem = AuditKeys.pem(KEY.key());
    Path file = Files.writeString(home.resolve("key"), pem);
    assertThat(AuditKeys.read(file)).isEqualTo(KEY.key());
    Random random = new Random(7);
    for (int i = 0; i < 500; i++) {
      byte[] copy = pem.getBytes(StandardCharsets.US_ASCII);
      copy[random.nextInt(copy.length)] = (byte) random.nextInt(256);
      Files.write(file, copy);
      try {
        assertThat(AuditKeys.read(file).getParams().getCurve().getField().getFieldSize())
            .isEqualTo(256);
      } catch (IOException e) {
        assertThat(e.getMessage()).contains(file.toString());
      }
    }
  }
}
