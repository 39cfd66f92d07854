package dev.vouchsafe.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.vouchsafe.audit.AuditReport;
import dev.vouchsafe.audit.AuditReport.Finding;
import dev.vouchsafe.audit.AuditReport.Kind;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What {@code audit verify} says.
 *
 * @param folder of the log
 * @param keyFile where the key is from
 * @param fingerprint of the key
 * @param report what was found out
 */
record AuditVerdict(Path folder, Path keyFile, String fingerprint, AuditReport report) {

  void write(JsonGenerator json) throws IOException {
    json.writeStartObject();
    json.writeBooleanField("sound", report.sound());
    json.writeStringField("log", folder.toString());
    json.writeStringField("keyFile", keyFile.toString());
    json.writeStringField("keyFingerprint", fingerprint);
    json.writeNumberField("entries", report.entries());
    json.writeNumberField("first", report.first());
    json.writeNumberField("last", report.last());
    json.writeBooleanField("trimmed", report.trimmed());
    json.writeNumberField("checkpoints", report.checkpoints());
    json.writeNumberField("signedThrough", report.signedThrough());
    if (report.signedAt().isPresent()) {
      json.writeStringField("signedAt", report.signedAt().get().toString());
    }
    if (report.checkpoint().isPresent()) {
      json.writeStringField("checkpoint", report.checkpoint().get());
    }
    json.writeNumberField("unsigned", report.unsigned());
    json.writeNumberField("unsignedAtStarts", report.unsignedAtStart());
    json.writeStringField("sinceCheckpoint", word(report.compared()));
    json.writeArrayFieldStart("findings");
    for (Finding finding : report.findings()) {
      json.writeStartObject();
      json.writeStringField("kind", word(finding.kind()));
      json.writeStringField("file", finding.file());
      json.writeNumberField("line", finding.line());
      json.writeNumberField("entry", finding.entry());
      json.writeStringField("detail", finding.detail());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  void print(PrintStream out) {
    out.println("log         " + AuditText.clean(folder.toString()));
    out.println("key         " + fingerprint + " (" + AuditText.clean(keyFile.toString()) + ")");
    out.println("entries     " + entries());
    out.println("signed      " + signed());
    report.checkpoint().ifPresent(text -> out.println("checkpoint  " + text));
    for (Finding finding : report.findings()) {
      out.println(label(finding.kind()) + text(finding));
    }
    out.println();
    out.println(summary());
  }

  private static String label(Kind kind) {
    return switch (kind) {
      case TORN_END -> "torn        ";
      case NOT_YET_SIGNED, FAR_TOO_MANY_UNSIGNED -> "unsigned    ";
      default -> "changed     ";
    };
  }

  private String entries() {
    return report.entries()
        + (report.entries() == 0 ? "" : ", " + report.first() + " to " + report.last())
        + (report.trimmed() ? "; older ones were removed by the limits of the log" : "");
  }

  private String signed() {
    String behind =
        "; entries behind it: "
            + report.unsigned()
            + (report.unsignedAtStart() == 0
                ? ""
                : "; unsigned when the service started, in all: " + report.unsignedAtStart());
    return report
        .signedAt()
        .map(time -> "through entry " + report.signedThrough() + ", at " + time + behind)
        .orElse("nothing");
  }

  private static String text(Finding finding) {
    String place =
        finding.line() == 0
            ? ""
            : finding.file() + " line " + finding.line() + " (entry " + finding.entry() + "): ";
    return AuditText.clean(place + finding.detail());
  }

  private String summary() {
    if (!report.sound()) {
      return report.changed()
          ? "The log was changed."
          : "The log is not sound: more of it is unsigned than the chain alone vouches for.";
    }
    return switch (report.compared()) {
      case NOT_GIVEN ->
          "The log is sound as far as it goes. Whether its end was cut off shows only against a"
              + " checkpoint that left the machine before: --since-checkpoint.";
      case TRIMMED ->
          "The log is sound as far as it goes. The checkpoint that was given is older than what the"
              + " log's limits left: it says nothing about the end. Give a newer one.";
      default ->
          "The log is sound, and nothing was cut off of what was there when the checkpoint was"
              + " signed. Whether something behind it was cut off shows only against a newer one.";
    };
  }
}
