package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.audit.AuditEvent;
import dev.vouchsafe.audit.AuditLog;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** docs/audit.md lets anybody verify the log with openssl: its script is run, on good and bad. */
class AuditDocumentTest {
  private static final Pattern SCRIPT =
      Pattern.compile("AuditDocumentTest runs this block. -->\n```sh\n(.*?)```", Pattern.DOTALL);

  @TempDir Path folder;
  private AuditHome home;
  private Path script;

  @BeforeEach
  void write() throws Exception {
    home = new AuditHome(folder);
    try (AuditLog log = home.open()) {
      log.require(AuditHome.issued("web", 11, "00aa"));
      String _ = log.checkpoint();
      log.require(
          AuditHome.ended(
              AuditEvent.Outcome.REFUSED,
              "\"type\":\"checkpoint\",\"jws\":\"x\"}",
              12,
              "\\n \"prev\":\""));
      log.note(AuditHome.ended(AuditEvent.Outcome.UNAVAILABLE, "it's %s $x `y` \\1", 13, ""));
    }
    Matcher found = SCRIPT.matcher(document());
    assertThat(found.find()).isTrue();
    script = Files.writeString(folder.resolve("verify-audit.sh"), found.group(1));
  }

  private static String document() throws IOException {
    String root = System.getProperty("vouchsafe.root");
    return Files.readString(
        (root == null ? Path.of("..") : Path.of(root)).resolve("docs/audit.md"));
  }

  private CliRun.Ended verify() throws Exception {
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    Process process =
        new ProcessBuilder(
                "sh",
                script.toString(),
                home.folder.toString(),
                home.folder.resolve("audit-key.pem").toString())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new CliRun.Ended(process.exitValue(), Files.readString(out), Files.readString(err));
  }

  @Test
  void theScriptFindsASoundLogSoundAndEveryChangedLine() throws Exception {
    assertThat(home.run("audit", "verify").code()).isZero();
    CliRun.Ended sound = verify();
    assertThat(sound.err()).isEmpty();
    assertThat(sound.code()).isZero();
    assertThat(sound.out()).isEqualTo("entries 0 to 6 are sound, signed before entry 6\n");

    List<String> lines = home.lines();
    for (int i = 0; i < lines.size() - 1; i++) {
      List<String> changed = new ArrayList<>(lines);
      changed.set(i, changed.get(i).replaceFirst("\"time\":\"2026", "\"time\":\"2025"));
      home.replace(changed);
      assertThat(verify().code()).as("line " + i + " edited").isEqualTo(1);
      changed.remove(i);
      home.replace(changed);
      assertThat(verify().code()).as("line " + i + " removed").isEqualTo(1);
    }
  }

  @Test
  void theScriptFindsAForgedCheckpointAndAnotherKey() throws Exception {
    List<String> lines = new ArrayList<>(home.lines());
    String last = lines.getLast();
    int at = last.lastIndexOf('.') + 9;
    lines.set(
        lines.size() - 1,
        last.substring(0, at) + (last.charAt(at) == 'A' ? 'B' : 'A') + last.substring(at + 1));
    home.replace(lines);
    CliRun.Ended forged = verify();
    assertThat(forged.code()).isEqualTo(1);
    assertThat(forged.err()).contains("its signature is wrong");

    Path other = Files.createDirectory(folder.resolve("other"));
    AuditHome theirs = new AuditHome(other);
    theirs.write(AuditHome.issued("web", 11, "00aa"));
    Files.write(home.file(), Files.readAllBytes(theirs.file()));
    assertThat(verify().err()).contains("another key's");
  }

  @Test
  void everyTypeOfEntryIsDescribed() throws Exception {
    String document = document();
    for (String type :
        List.of(
            "decision",
            "count",
            "refusals",
            "act",
            "registrations",
            "clock",
            "trim",
            "lost",
            "checkpoint")) {
      assertThat(document).contains("| `" + type + "` |");
    }
    assertThat(document).contains("| `start`, `stop` |");
    Pattern member = Pattern.compile("\"([A-Za-z]+)\":");
    for (String line : home.lines()) {
      Matcher name = member.matcher(line.replaceAll("\\\\.", ""));
      while (name.find()) {
        if (!List.of("version", "unsigned", "tornOctets", "tornEntries", "note")
            .contains(name.group(1))) {
          assertThat(document).contains("`" + name.group(1) + "`");
        }
      }
    }
    assertThat(StandardCharsets.US_ASCII.newEncoder().canEncode(String.join("", home.lines())))
        .isTrue();
  }
}
