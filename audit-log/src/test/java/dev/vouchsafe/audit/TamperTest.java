package dev.vouchsafe.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.audit.AuditReport.Compared;
import dev.vouchsafe.audit.AuditReport.Kind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Somebody who can write the folder, and has not the key, changes what he likes. */
class TamperTest {
  @TempDir Path home;
  private TestLog log;
  private byte[] file;
  private List<byte[]> lines;

  @BeforeEach
  void write() throws Exception {
    log = new TestLog(home);
    log.write(8);
    file = Files.readAllBytes(log.only());
    lines = TestLog.lines(file);
    assertThat(log.verify().findings()).isEmpty();
    assertThat(lines).hasSize(12);
  }

  private void assertFound(String what) throws Exception {
    assertThat(log.verify().good()).as(what).isFalse();
  }

  @Test
  void everyOctetThatIsChangedIsFound(@TempDir Path other) throws Exception {
    log = new TestLog(other);
    log.write(2);
    file = Files.readAllBytes(log.only());
    byte[] changed = file.clone();
    for (int i = 0; i < file.length; i++) {
      int flip = 1 << i % 8;
      changed[i] = (byte) (file[i] ^ flip);
      log.replace(changed);
      assertFound("octet " + i + " ^ " + flip);
      changed[i] = file[i];
    }
    log.replace(changed);
    assertThat(log.verify().good()).isTrue();
  }

  @Test
  void everyLineThatIsTakenOutIsFound() throws Exception {
    for (int i = 0; i < lines.size() - 1; i++) {
      List<byte[]> left = new ArrayList<>(lines);
      left.remove(i);
      log.replace(TestLog.joined(left));
      assertFound("line " + i);
    }
  }

  @Test
  void everyLineThatIsDoubledIsFound() throws Exception {
    for (int i = 0; i < lines.size(); i++) {
      List<byte[]> more = new ArrayList<>(lines);
      more.add(i, lines.get(i));
      log.replace(TestLog.joined(more));
      assertFound("line " + i);
    }
  }

  @Test
  void anyTwoLinesThatChangePlacesAreFound() throws Exception {
    for (int i = 0; i < lines.size(); i++) {
      for (int k = i + 1; k < lines.size(); k++) {
        List<byte[]> other = new ArrayList<>(lines);
        Collections.swap(other, i, k);
        log.replace(TestLog.joined(other));
        assertFound("lines " + i + " and " + k);
      }
    }
  }

  /** Every hash after it is made anew: only the signatures are left to tell. */
  @Test
  void aForgerWhoMakesTheChainAnewIsFoundByTheNextCheckpoint() throws Exception {
    for (int i = 0; i < lines.size() - 1; i++) {
      List<byte[]> forged = new ArrayList<>(lines.subList(0, i));
      ChainEnd end = i == 0 ? ChainEnd.START : ChainEnd.after(i - 1, lines.get(i - 1));
      byte[] made =
          LineFormat.line(
              end.next(),
              log.clock.instant(),
              end.hash(),
              TestLog.decision("forged", AuditEvent.Outcome.REFUSED));
      forged.add(made);
      end = ChainEnd.after(end.next(), made);
      for (byte[] line : lines.subList(i + 1, lines.size())) {
        AuditEntry entry = LineParser.parse(line);
        byte[] again = LineFormat.line(end.next(), entry.time(), end.hash(), entry.event());
        forged.add(again);
        end = ChainEnd.after(end.next(), again);
      }
      log.replace(TestLog.joined(forged));
      assertThat(log.verify().findings())
          .as("line " + i)
          .isNotEmpty()
          .allMatch(finding ->
              finding.kind() == Kind.CHECKPOINT_WRONG || finding.kind() == Kind.UNSIGNED);
    }
  }

  @Test
  void aLogThatAnotherKeySignedIsFound(@TempDir Path other) throws Exception {
    TestLog theirs = new TestLog(other);
    theirs.write(8);
    log.replace(Files.readAllBytes(theirs.only()));
    assertThat(log.verify().findings()).anyMatch(it -> it.kind() == Kind.CHECKPOINT_WRONG);
    assertThat(log.verify().findings()).anyMatch(it -> it.kind() == Kind.UNSIGNED);
  }

  @Test
  void aCheckpointOfAnotherLogOfTheSameKeyIsFound(@TempDir Path other) throws Exception {
    TestLog theirs = new TestLog(other, log.key);
    theirs.clock.pass(java.time.Duration.ofSeconds(1));
    theirs.write(8);
    List<byte[]> mixed = new ArrayList<>(lines);
    ChainEnd end = ChainEnd.after(10, lines.get(10));
    String foreign = ((AuditEvent.Checkpoint) theirs.entries().getLast().event()).jws();
    mixed.set(
        11,
        LineFormat.line(
            11, theirs.clock.instant(), end.hash(), new AuditEvent.Checkpoint(foreign)));
    log.replace(TestLog.joined(mixed));
    assertThat(log.verify().findings())
        .extracting(AuditReport.Finding::kind)
        .containsExactly(Kind.CHECKPOINT_WRONG);
  }

  /** What the end looks like without anything from elsewhere can't be known: so it is said. */
  @Test
  void anEndThatIsCutOffIsFoundByACheckpointThatLeftTheMachine() throws Exception {
    String left = ((AuditEvent.Checkpoint) log.entries().getLast().event()).jws();
    assertThat(log.verify(Optional.of(left)).compared()).isEqualTo(Compared.HOLDS);
    for (int kept = 1; kept < lines.size() - 1; kept++) {
      log.replace(TestLog.joined(lines.subList(0, kept)));
      AuditReport report = log.verify(Optional.of(left));
      assertThat(report.compared()).as("kept " + kept).isEqualTo(Compared.DIFFERS);
      assertThat(report.findings()).anyMatch(it -> it.kind() == Kind.CHECKPOINT_DIFFERS);
    }
    log.replace(TestLog.joined(lines.subList(0, 7)));
    assertThat(log.verify().good()).as("cut right behind a checkpoint").isTrue();
  }

  @Test
  void aCheckpointThatLeftTheMachineIsNotBelievedFromAnybody(@TempDir Path other) throws Exception {
    TestLog theirs = new TestLog(other);
    theirs.write(1);
    String foreign = ((AuditEvent.Checkpoint) theirs.entries().getLast().event()).jws();
    for (String text : List.of(foreign, "", "a.b.c", "x".repeat(5000))) {
      AuditReport report = log.verify(Optional.of(text));
      assertThat(report.compared()).isEqualTo(Compared.DIFFERS);
      assertThat(report.good()).isFalse();
    }
  }

  @Test
  void noHeaderOfACheckpointChoosesHowItIsVerified() {
    String good = "{\"next\":1,\"hash\":\"" + "0".repeat(64) + "\",\"from\":0,\"fromHash\":\"";
    String payload = good + "0".repeat(64) + "\",\"time\":\"2026-11-23T10:00:00.123Z\"}";
    String kid = AuditKeys.fingerprint(log.key.key());
    String ours = "{\"alg\":\"ES256\",\"typ\":\"vouchsafe-audit\",\"kid\":\"" + kid + "\"}";
    assertThat(Checkpoints.verifies(log.key.jws(ours, payload), log.key.key())).isTrue();
    for (String header :
        List.of(
            "{\"alg\":\"none\"}",
            ours.replace("ES256", "HS256"),
            ours.replace("vouchsafe-audit", "JWT"),
            ours + " ",
            ours.replace("}", ",\"crit\":[]}"))) {
      assertThat(Checkpoints.verifies(log.key.jws(header, payload), log.key.key()))
          .as(header)
          .isFalse();
    }
    for (String other :
        List.of(
            payload + " ",
            payload.replace("}", ",\"more\":1}"),
            payload.replace("\"next\":1", "\"next\":01"),
            payload.replace("\"next\":1", "\"next\":1,\"next\":1"),
            "[]",
            "")) {
      assertThat(Checkpoints.verifies(log.key.jws(ours, other), log.key.key())).as(other).isFalse();
    }
  }

  /** Texts of checkpoints, tried. */
  private static final class Checkpoints {
    static boolean verifies(String jws, java.security.interfaces.ECPublicKey key) {
      try {
        CheckpointText _ = CheckpointText.verify(jws, key);
        return true;
      } catch (BadLineException e) {
        return false;
      }
    }
  }

  @Test
  void whatStandsBehindTheEndIsFound() throws Exception {
    for (String more : List.of("x", "{}\n", "\n", "\0", "{\"seq\":12")) {
      byte[] added =
          (new String(file, StandardCharsets.US_ASCII) + more).getBytes(StandardCharsets.US_ASCII);
      log.replace(added);
      assertFound("behind the end: " + more.length());
    }
  }

  @Test
  void aFileThatIsRemovedIsFound() throws Exception {
    log.settings = new AuditSettings(log.folder, 1, 1 << 30, java.time.Duration.ofDays(400));
    try (LogWriter writer = log.open()) {
      for (int i = 0; i < 4; i++) {
        log.append(writer, TestLog.decision("m", AuditEvent.Outcome.ISSUED));
        String _ = writer.checkpoint();
        writer.roll();
      }
    }
    List<Path> segments = log.segments();
    assertThat(segments).hasSize(4);
    assertThat(log.verify().findings()).isEmpty();
    for (Path segment : segments.subList(0, 3)) {
      byte[] content = Files.readAllBytes(segment);
      Files.delete(segment);
      assertFound(segment.toString());
      Files.write(segment, content);
    }
  }

  @Test
  void aLogWithoutAnyCheckpointProvesNothing() throws Exception {
    List<byte[]> bare = new ArrayList<>();
    ChainEnd end = ChainEnd.START;
    for (int i = 0; i < 3; i++) {
      byte[] line =
          LineFormat.line(
              i,
              log.clock.instant(),
              end.hash(),
              TestLog.decision("forged", AuditEvent.Outcome.REFUSED));
      bare.add(line);
      end = ChainEnd.after(i, line);
    }
    log.replace(TestLog.joined(bare));
    assertThat(log.verify().findings())
        .extracting(AuditReport.Finding::kind)
        .contains(Kind.UNSIGNED);
  }
}
