package dev.vouchsafe.audit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A log in a folder of its own, written line by line. */
final class TestLog {
  final Path folder;
  final Clock clock = new Clock();
  final TestKey key;
  AuditSettings settings;

  TestLog(Path folder) {
    this(folder, new TestKey());
  }

  TestLog(Path folder, TestKey key) {
    this.folder = folder.resolve("audit");
    this.key = key;
    this.settings = new AuditSettings(this.folder, 1 << 20, 1 << 30, Duration.ofDays(400));
  }

  LogWriter open() throws IOException {
    LogWriter writer = opened();
    writer.begin();
    return writer;
  }

  /** Nothing is written yet. */
  LogWriter opened() throws IOException {
    return LogWriter.open(settings, key, clock, "1.0");
  }

  static AuditEvent.Decision decision(String module, AuditEvent.Outcome outcome) {
    boolean issued = outcome == AuditEvent.Outcome.ISSUED;
    return new AuditEvent.Decision(
        outcome,
        issued ? "ok" : "selector-mismatch",
        issued ? "" : "unix:uid:7: uid 8",
        new AuditEvent.Asked(module, "certificate", "unix"),
        new AuditEvent.Who(4711, 8, 9, Optional.of("/usr/bin/x"), Optional.of("/a.slice")),
        List.of(
            new AuditEvent.Selector("unix:uid:7", "uid 8", issued ? "yes" : "no"),
            new AuditEvent.Selector("unix:path:/usr/bin/x", "/usr/bin/x", "yes")),
        issued ? List.of("00aa11bb") : List.of(),
        List.of());
  }

  void append(LogWriter writer, AuditEvent... events) throws IOException {
    List<LogWriter.Stamped> stamped = new ArrayList<>();
    for (AuditEvent event : events) {
      stamped.add(new LogWriter.Stamped(clock.instant(), event));
    }
    writer.append(stamped);
  }

  /** A log that was closed well: some entries, two checkpoints. */
  void write(int entries) throws Exception {
    try (LogWriter writer = open()) {
      for (int i = 0; i < entries; i++) {
        append(writer, decision("m" + i, AuditEvent.Outcome.ISSUED));
        if (i == entries / 2) {
          String _ = writer.checkpoint();
        }
      }
      append(writer, new AuditEvent.Stopped());
      String _ = writer.checkpoint();
    }
  }

  List<Path> segments() throws IOException {
    return new LogFolder(folder).segments();
  }

  Path only() throws IOException {
    return segments().getFirst();
  }

  AuditReport verify() throws IOException {
    return verify(Optional.empty());
  }

  AuditReport verify(Optional<String> checkpoint) throws IOException {
    return AuditVerifier.verify(folder, key.key(), checkpoint, octets -> {});
  }

  List<AuditEntry> entries() throws IOException {
    List<AuditEntry> entries = new ArrayList<>();
    new AuditReader(folder).read(entries::add);
    return entries;
  }

  static List<byte[]> lines(byte[] file) {
    List<byte[]> lines = new ArrayList<>();
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (byte octet : file) {
      line.write(octet);
      if (octet == '\n') {
        lines.add(line.toByteArray());
        line.reset();
      }
    }
    return lines;
  }

  static byte[] joined(List<byte[]> lines) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    lines.forEach(all::writeBytes);
    return all.toByteArray();
  }

  /** The first file, as somebody else would have it. */
  void replace(byte[] content) throws IOException {
    Files.write(only(), content);
  }
}
