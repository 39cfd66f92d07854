package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.audit.AuditEvent;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code audit verify}, with each thing that somebody who can write the folder may do. */
class AuditVerifyTest {
  @TempDir Path folder;
  private AuditHome home;

  @BeforeEach
  void write() throws Exception {
    home = new AuditHome(folder);
    home.write(
        AuditHome.issued("web", 11, "00aa"),
        AuditHome.ended(AuditEvent.Outcome.REFUSED, "web", 12, "uid 8"),
        AuditHome.issued("web", 13, "00bb"));
  }

  private String checkpoint() {
    CliRun.Ended ended = home.run("audit", "verify", "--print-checkpoint");
    assertThat(ended.code()).isZero();
    assertThat(ended.out()).matches("ey[A-Za-z0-9_.-]+\n");
    return ended.out().strip();
  }

  private CliRun.Ended broken() {
    CliRun.Ended ended = home.run("audit", "verify");
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.out()).endsWith("The log was changed.\n");
    return ended;
  }

  @Test
  void aSoundLogIsSaidToBeSoundAsFarAsItGoes() throws IOException {
    CliRun.Ended ended = home.run("audit", "verify");
    assertThat(ended.code()).isZero();
    assertThat(ended.err()).isEmpty();
    assertThat(ended.out())
        .contains("entries     6, 0 to 5", "signed      through entry 4", "--since-checkpoint");
    JsonNode report = home.run("audit", "verify", "-o", "json").json();
    assertThat(report.path("sound").asBoolean()).isTrue();
    assertThat(report.path("findings")).isEmpty();
    assertThat(report.path("sinceCheckpoint").asText()).isEqualTo("not-given");
    assertThat(report.path("checkpoint").asText()).isEqualTo(checkpoint());
    assertThat(report.path("keyFingerprint").asText()).matches("[0-9a-f]{64}");
  }

  @Test
  void anEditIsFoundAndItsLineNamed() throws IOException {
    List<String> lines = home.lines();
    lines.set(2, lines.get(2).replace("refused", "issued"));
    home.replace(lines);
    assertThat(broken().out())
        .contains("0000000000000000000.jsonl line 4 (entry 3): entry 2 is not the one");
    JsonNode finding = home.run("audit", "verify", "-o", "json").json().path("findings").path(0);
    assertThat(finding.path("kind").asText()).isEqualTo("chain-broken");
    assertThat(finding.path("line").asInt()).isEqualTo(4);
  }

  @Test
  void aRemovedAMovedAndAnInsertedLineAreFound() throws IOException {
    List<String> lines = home.lines();
    List<String> changed = new ArrayList<>(lines);
    changed.remove(2);
    home.replace(changed);
    assertThat(broken().out()).contains("line 3 (entry 2): entries 2 to 2 are missing");

    changed = new ArrayList<>(lines);
    Collections.swap(changed, 1, 2);
    home.replace(changed);
    assertThat(broken().out()).contains("line 2");

    changed = new ArrayList<>(lines);
    changed.add(3, lines.get(2));
    home.replace(changed);
    assertThat(broken().out()).contains("line 4 (entry 3): entry 3 is expected, entry 2 stands");
  }

  @Test
  void aForgedCheckpointIsFound() throws IOException {
    List<String> lines = home.lines();
    String last = lines.getLast();
    int at = last.lastIndexOf('.') + 5;
    char other = last.charAt(at) == 'A' ? 'B' : 'A';
    lines.set(lines.size() - 1, last.substring(0, at) + other + last.substring(at + 1));
    home.replace(lines);
    assertThat(broken().out()).contains("signature of the checkpoint is wrong");
  }

  @Test
  void aCutEndIsFoundByACheckpointThatLeftTheMachineOnly() throws Exception {
    Path kept = folder.resolve("kept");
    Files.writeString(kept, checkpoint() + "\n");
    home.write(AuditHome.issued("web", 14, "00cc"));
    Files.writeString(kept, checkpoint() + "\n", StandardOpenOption.APPEND);
    CliRun.Ended whole = home.run("audit", "verify", "--since-checkpoint", kept.toString());
    assertThat(whole.code()).isZero();
    assertThat(whole.out()).contains("nothing was cut off");

    home.replace(home.lines().subList(0, 6));
    assertThat(home.run("audit", "verify").code()).isZero();
    CliRun.Ended cut = home.run("audit", "verify", "--since-checkpoint", kept.toString());
    assertThat(cut.code()).isEqualTo(1);
    assertThat(cut.out()).contains("its end was cut off");
    String text = Files.readAllLines(kept).getLast();
    assertThat(home.run("audit", "verify", "--since-checkpoint", text).code()).isEqualTo(1);
    assertThat(
            CliRun.at(folder)
                .given(text)
                .run("audit", "verify", "--since-checkpoint", "-", "-o", "json")
                .json()
                .path("sinceCheckpoint")
                .asText())
        .isEqualTo("differs");
    CliRun.Ended printed =
        home.run("audit", "verify", "--since-checkpoint", text, "--print-checkpoint");
    assertThat(printed.code()).isEqualTo(1);
    assertThat(printed.out()).as("no checkpoint of a log that was cut").isEmpty();
    assertThat(printed.err()).contains("its end was cut off");
  }

  @Test
  void anEmptiedLogIsNotSound() throws Exception {
    String kept = checkpoint();
    Files.delete(home.file());
    assertThat(broken().out()).contains("there is no entry");
    assertThat(home.run("audit", "verify", "--since-checkpoint", kept).out()).contains("cut off");
  }

  @Test
  void aLogThatWasSignedAnewWithAnotherKeyIsFoundByTheCheckpointThatLeft() throws Exception {
    String kept = checkpoint();
    Path key = Files.copy(home.folder.resolve("audit-key.pem"), folder.resolve("key.pem"));
    DurableFiles.deleteTree(home.folder);
    home = new AuditHome(folder);
    home.write(AuditHome.issued("other", 11, "00aa"));
    assertThat(home.run("audit", "verify").code()).as("nothing else to hold it against").isZero();
    assertThat(home.run("audit", "verify", "--since-checkpoint", kept).out())
        .contains("signed by another key", "The log was changed.");
    assertThat(home.run("audit", "verify", "--key", key.toString()).code()).isEqualTo(1);
  }

  @Test
  void aTornLastLineIsTheMarkOfAPowerCutAndNoChange() throws Exception {
    String whole = Files.readString(home.file());
    Files.writeString(home.file(), whole + "{\"seq\":6,\"ti");
    CliRun.Ended torn = home.run("audit", "verify");
    assertThat(torn.code()).isZero();
    assertThat(torn.out()).contains("torn        ", "line 7 (entry 6)", "a crash");

    Files.writeString(home.file(), whole + "something else");
    assertThat(broken().out()).contains("not the beginning of the next");
  }

  @Test
  void aCopyIsVerifiedWithoutAHome(@TempDir Path elsewhere) throws Exception {
    Path copy = Files.createDirectory(elsewhere.resolve("copy"));
    Files.copy(home.file(), copy.resolve(home.file().getFileName()));
    Path key = Files.copy(home.folder.resolve("audit-key.pem"), elsewhere.resolve("k"));
    CliRun.Ended withoutKey = CliRun.plain().run("audit", "verify", "--log", copy.toString());
    assertThat(withoutKey.code()).isEqualTo(4);
    assertThat(withoutKey.err()).contains("audit-key.pem", "--key");
    assertThat(
            CliRun.plain()
                .run("audit", "verify", "--log", copy.toString(), "--key", key.toString())
                .code())
        .isZero();
  }

  @Test
  void whatCantBeReadIsUnavailableAndNotSound(@TempDir Path empty) throws Exception {
    assertThat(CliRun.at(empty).run("audit", "verify").code()).isEqualTo(4);
    assertThat(CliRun.at(empty).run("audit", "show").code()).isEqualTo(4);
    assertThat(home.run("audit", "verify", "--since-checkpoint", "/nowhere").code()).isEqualTo(4);
    Path notAKey = Files.writeString(empty.resolve("key"), "x");
    assertThat(home.run("audit", "verify", "--key", notAKey.toString()).code()).isEqualTo(4);
    Files.delete(home.file());
    Files.createSymbolicLink(
        home.folder.resolve("0000000000000000000.jsonl"), Path.of("/dev/zero"));
    CliRun.Ended device = home.run("audit", "verify");
    assertThat(device.code()).isEqualTo(4);
    assertThat(device.err()).contains("not a regular file");
  }

  @Test
  void wrongUsageIsToldApart() {
    assertThat(home.run("audit").code()).isEqualTo(2);
    assertThat(home.run("audit", "verify", "--log", "").code()).isEqualTo(2);
    assertThat(home.run("audit", "verify", "--print-checkpoint", "-o", "json").code()).isEqualTo(2);
  }

  /** A forger's texts reach the terminal of whoever looks: they must not speak to it. */
  @Test
  void nothingInAChangedLogReachesTheTerminal() throws Exception {
    Files.writeString(
        home.file(),
        "\u001b[2J\u202e\n{\"seq\":\u001b]0;x\u0007}\n",
        StandardCharsets.UTF_8,
        StandardOpenOption.APPEND);
    for (String[] args :
        List.of(new String[] {"audit", "verify"}, new String[] {"audit", "show"})) {
      CliRun.Ended ended = home.run(args);
      assertThat(ended.out() + ended.err()).doesNotContainPattern("[\\p{C}&&[^\n]]");
    }
    assertThat(home.run("audit", "show").err()).contains("lines that are no entries: 2");
  }

  @Test
  void theLogIsOnlyReadByVerify() throws Exception {
    String before = Files.readString(home.file());
    Files.setPosixFilePermissions(home.folder, PosixFilePermissions.fromString("r-x------"));
    assertThat(home.run("audit", "verify").code()).isZero();
    assertThat(Files.readString(home.file())).isEqualTo(before);
    Files.setPosixFilePermissions(home.folder, PosixFilePermissions.fromString("rwx------"));
  }

  /** The key store was away for hours: that is said, and is no change of the log. */
  @Test
  void entriesThatNoKeyHasSignedYetAreSaidAndFarTooManyAreNotSound() throws Exception {
    home.keyAway = true;
    leave(5000);
    CliRun.Ended waiting = home.run("audit", "verify");
    assertThat(waiting.code()).isZero();
    assertThat(waiting.out())
        .contains("unsigned    ", "entries at the end are not yet signed", "The log is sound");

    leave(6000);
    CliRun.Ended far = home.run("audit", "verify");
    assertThat(far.code()).isEqualTo(1);
    assertThat(far.out())
        .contains("unsigned    ")
        .endsWith(
            "The log is not sound: more of it is unsigned than the chain alone vouches for.\n");
    JsonNode report = home.run("audit", "verify", "-o", "json").json();
    assertThat(report.path("sound").asBoolean()).isFalse();
    assertThat(report.path("findings").path(0).path("kind").asText())
        .isEqualTo("far-too-many-unsigned");
    assertThat(report.path("unsigned").asInt()).isGreaterThan(11_000);
  }

  private void leave(int entries) throws Exception {
    AuditEvent[] events = new AuditEvent[entries];
    Arrays.setAll(events, at -> AuditHome.issued("web", at + 1, String.format("%06x", at)));
    home.write(events);
  }
}
