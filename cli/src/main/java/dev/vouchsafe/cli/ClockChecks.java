package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.ca.CertificateAuthorities;
import dev.vouchsafe.ca.clock.ClockSettings;
import dev.vouchsafe.ca.clock.ClockStatus;
import dev.vouchsafe.ca.clock.TrustedClocks;
import java.nio.file.Files;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/**
 * What {@code check} says of the time: as the running service has it, or as one that started now
 * would.
 */
final class ClockChecks {
  private static final String SUBJECT = "clock";
  private static final String SET =
      "set the clock, or if it is right: `vouchsafe clock accept`; see docs/time.md";

  private final Home home;
  private final Console console;

  ClockChecks(Home home, Console console) {
    this.home = home;
    this.console = console;
  }

  /**
   * @param running what the running service says, if it does
   */
  Finding clock(Optional<JsonNode> running) {
    if (running.isPresent()) {
      return ofService(running.get());
    }
    Instant built = new BuildInfo().madeAt();
    if (!Files.isDirectory(home.data())) {
      return beforeInit(built);
    }
    ClockStatus status =
        TrustedClocks.examine(
            new ClockSettings(home.clock(), built, ClockSettings.Untrusted.BOUNDED),
            console.clock(),
            () -> CertificateAuthorities.newest(home.data()));
    return finding(
        status.verdict().isTrusted(),
        text(status.machine())
            + " is "
            + status.verdict().text()
            + ", the floor is "
            + text(status.floor()),
        text(status.machine()) + ", synchronised: " + status.synchronised().text(),
        status.fault());
  }

  /** A clock that is behind the build of this program is wrong for certain. */
  private Finding beforeInit(Instant built) {
    Instant now = console.clock().instant();
    return now.isBefore(built)
        ? Finding.fail(
            SUBJECT,
            text(now) + " is before this program was made, " + text(built),
            "set the clock: what is issued now would not be valid yet, or ended already")
        : Finding.ok(SUBJECT, text(now));
  }

  /** The same of what the running service says. */
  static Finding ofService(JsonNode clock) {
    String machine = clock.path("machine").asText();
    Finding finding = finding(clock, machine);
    return finding.status() == Finding.Status.OK && !clock.path("certain").asBoolean()
        ? Finding.warn(
            SUBJECT,
            machine + " is trusted, but in doubt: no authority retires, and no root is published",
            "if it is right: `vouchsafe clock accept`")
        : finding;
  }

  private static Finding finding(JsonNode clock, String machine) {
    return finding(
        clock.path("trusted").asBoolean(),
        machine
            + " is "
            + clock.path("verdict").asText()
            + ", the floor is "
            + clock.path("floor").asText()
            + "; the service goes by "
            + clock.path("time").asText()
            + (clock.path("untrusted").asText().equals("stop")
                ? " and issues nothing"
                : " and issues with short lives"),
        machine + ", synchronised: " + clock.path("synchronised").asText(),
        Optional.ofNullable(clock.path("fault").textValue()));
  }

  private static Finding finding(
      boolean trusted, String wrong, String right, Optional<String> fault) {
    if (!trusted) {
      return Finding.fail(SUBJECT, wrong, SET);
    }
    return fault.isPresent()
        ? Finding.warn(
            SUBJECT,
            right + "; its floor is not kept: " + fault.get(),
            "see the file and its disk; it goes on by itself")
        : Finding.ok(SUBJECT, right);
  }

  private static String text(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS).toString();
  }
}
