package dev.vouchsafe.cli;

import dev.vouchsafe.audit.AuditEntry;
import dev.vouchsafe.audit.AuditEvent;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Entries of the audit log for people, one line each. The texts may be a stranger's: what is not
 * visible, or would change how a terminal shows the rest, becomes {@code ?}.
 */
final class AuditText {
  private static final String INVISIBLE = "[\\p{C}\\p{Zl}\\p{Zp}]";

  private AuditText() {}

  static String line(AuditEntry entry) {
    return clean(entry.time() + "  " + what(entry.event()));
  }

  /** What was measured, a line each; empty for what is no decision. */
  static List<String> details(AuditEntry entry) {
    List<String> lines = new ArrayList<>();
    if (entry.event() instanceof AuditEvent.Decision decision) {
      AuditEvent.Who process = decision.process();
      lines.add(
          "gid "
              + id(process.gid())
              + (process.groups().isEmpty() ? "" : ", groups " + words(process.groups()))
              + process.cgroup().map(path -> ", cgroup " + path).orElse(""));
      for (AuditEvent.Selector selector : decision.selectors()) {
        lines.add(
            "wanted "
                + selector.wanted()
                + ", measured "
                + (selector.measured().isEmpty() ? "nothing" : selector.measured())
                + ", match "
                + selector.match()
                + unless(selector.part().equals("selectors"), ", in " + selector.part()));
      }
      decision.expires().ifPresent(time -> lines.add("expires " + time));
    }
    return lines.stream().map(text -> "    " + clean(text)).toList();
  }

  private static String what(AuditEvent event) {
    return switch (event) {
      case AuditEvent.Decision decision -> decision(decision);
      case AuditEvent.Act act ->
          "act          "
              + act.action()
              + " "
              + act.object()
              + "  by uid "
              + act.uid()
              + "  "
              + act.result();
      case AuditEvent.Registrations registrations -> registrations(registrations);
      case AuditEvent.Count count ->
          "count        "
              + count.module()
              + "  "
              + count.operation()
              + "  "
              + count.count()
              + " times"
              + since(count.since());
      case AuditEvent.Refusals refusals -> refusals(refusals);
      default -> own(event);
    };
  }

  private static String own(AuditEvent event) {
    return switch (event) {
      case AuditEvent.Started started ->
          "start        version "
              + started.version()
              + unless(started.unsigned() == 0, ", unsigned before it: " + started.unsigned())
              + unless(
                  started.tornOctets() == 0,
                  ", torn octets cut off: "
                      + started.tornOctets()
                      + ", of entries: "
                      + started.tornEntries())
              + unless(started.note().isEmpty(), ", " + started.note());
      case AuditEvent.Stopped stopped -> "stop";
      case AuditEvent.ClockJumped jump -> "clock        from " + jump.from() + " to " + jump.to();
      case AuditEvent.Lost lost -> "lost         " + lost.count() + " events are not in the log";
      case AuditEvent.Trimmed trimmed ->
          "trim         entries up to "
              + trimmed.through()
              + " removed by "
              + trimmed.reason()
              + ", octets: "
              + trimmed.octets();
      case AuditEvent.Checkpoint checkpoint -> "checkpoint   " + checkpoint.jws();
      case AuditEvent.Unknown unknown -> unknown.type() + "  of a later version; see -o json";
      default -> throw new IllegalStateException("every other kind has its text");
    };
  }

  private static String decision(AuditEvent.Decision decision) {
    AuditEvent.Who process = decision.process();
    String outcome = decision.outcome().text();
    StringBuilder line = new StringBuilder(outcome).repeat(' ', 13 - outcome.length());
    line.append(decision.asked().module().isEmpty() ? "-" : decision.asked().module())
        .append("  ")
        .append(decision.asked().operation())
        .append("  pid ")
        .append(process.pid())
        .append(" uid ")
        .append(id(process.uid()));
    process.executable().ifPresent(path -> line.append("  ").append(path));
    decision.certificates().forEach(serial -> line.append("  serial ").append(serial));
    decision.tokens().forEach(id -> line.append("  token ").append(id));
    if (decision.outcome() != AuditEvent.Outcome.ISSUED) {
      line.append("  ").append(decision.reason());
      line.append(unless(decision.detail().isEmpty(), ": " + decision.detail()));
    }
    return line.toString();
  }

  private static String registrations(AuditEvent.Registrations event) {
    return "modules      registrations: "
        + event.count()
        + list("added", event.added())
        + list("removed", event.removed())
        + list("changed", event.changed())
        + list("problems", event.problems());
  }

  private static String refusals(AuditEvent.Refusals refusals) {
    StringBuilder line = new StringBuilder("more         not written one by one:");
    for (AuditEvent.Alike alike : refusals.alike()) {
      line.append("  ")
          .append(alike.count())
          .append(" times ")
          .append(alike.outcome())
          .append(" uid ")
          .append(alike.uid())
          .append(' ')
          .append(alike.reason());
    }
    line.append(unless(refusals.others() == 0, "  " + refusals.others() + " others"));
    return line.append(since(refusals.since())).toString();
  }

  /** Whom the kernel didn't name has none. */
  private static String id(long number) {
    return number < 0 ? "unknown" : String.valueOf(number);
  }

  private static String since(Instant time) {
    return " since " + time;
  }

  private static String list(String name, List<String> texts) {
    return unless(texts.isEmpty(), "  " + name + " " + String.join(" ", texts));
  }

  private static String words(List<Long> numbers) {
    return String.join(" ", numbers.stream().map(String::valueOf).toList());
  }

  private static String unless(boolean absent, String text) {
    return absent ? "" : text;
  }

  static String clean(String text) {
    return text.replaceAll(INVISIBLE, "?");
  }
}
