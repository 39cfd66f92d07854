package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The real service in a process whose clock is moved under it: libfaketime stands between the JVM
 * and clock_gettime(CLOCK_REALTIME), and reads from a file what that shows. The clocks that don't
 * jump are the machine's own.
 */
class MovedClockTest {
  private static final DateTimeFormatter FAKETIME =
      DateTimeFormatter.ofPattern("'@'uuuu-MM-dd HH:mm:ss", Locale.ROOT);

  private static final Duration TEN_YEARS = Duration.ofDays(3653);

  private final Instant now = Clock.systemUTC().instant().truncatedTo(ChronoUnit.SECONDS);

  @TempDir Path folder;

  @BeforeEach
  void makeAHome() throws IOException {
    assumeTrue(library().isPresent(), "libfaketime is not installed");
    assertThat(run("init").code()).isZero();
    String text = Files.readString(home().configuration());
    Files.writeString(
        home().configuration(), text.replace("[listen]\n", "[listen]\nhttps = \"127.0.0.1:0\"\n"));
    run("module", "add", "web", "--selector", "unix:uid:" + FileTrust.ownUser());
  }

  private static Optional<Path> library() throws IOException {
    try (Stream<Path> folders = Files.list(Path.of("/usr/lib"))) {
      return folders
          .map(each -> each.resolve("faketime/libfaketimeMT.so.1"))
          .filter(Files::isRegularFile)
          .findFirst();
    }
  }

  private Path root() {
    return folder.resolve("h");
  }

  private Home home() {
    return Home.at(root());
  }

  private CliRun.Ended run(String... args) {
    return CliRun.at(root()).clock(Clock.systemUTC()).run(args);
  }

  /** The clock shows that now, and goes on from there. */
  private void move(Instant to) throws IOException {
    Path fresh = folder.resolve("time.new");
    Files.writeString(fresh, FAKETIME.format(LocalDateTime.ofInstant(to, ZoneOffset.UTC)) + "\n");
    Files.move(fresh, folder.resolve("time"), StandardCopyOption.ATOMIC_MOVE);
  }

  private ServiceProcess serve(Instant at) throws IOException {
    move(at);
    ServiceProcess service =
        ServiceProcess.start(
            root(),
            List.of(
                "TZ=UTC",
                "LD_PRELOAD=" + library().orElseThrow(),
                "FAKETIME_TIMESTAMP_FILE=" + folder.resolve("time"),
                "FAKETIME_NO_CACHE=1",
                "FAKETIME_DONT_FAKE_MONOTONIC=1",
                "DONT_FAKE_MONOTONIC=1",
                // Otherwise waits of monotonic time become waits for the moved clock.
                "FAKETIME_FORCE_MONOTONIC_FIX=0",
                "NO_FAKE_STAT=1"),
            "serve");
    assertThat(service.line()).as(service.log()).startsWith("ready ");
    return service;
  }

  private JsonNode clock() throws IOException {
    return run("clock", "status", "-o", "json").json();
  }

  /** Waits until the service says so of its clock. */
  private JsonNode clockWhen(Predicate<JsonNode> condition) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    JsonNode clock = clock();
    while (!condition.test(clock) && System.nanoTime() < end) {
      clock = clock();
    }
    assertThat(condition).accepts(clock);
    return clock;
  }

  private Instant time(JsonNode clock, String member) {
    return Instant.parse(clock.path(member).asText());
  }

  private JsonNode certificate(String ttl) throws IOException {
    Path out = folder.resolve("out");
    CliRun.Ended fetched =
        run("fetch", "certificate", "--ttl", ttl, "--out", out.toString(), "-o", "json");
    assertThat(fetched.code()).as(fetched.err()).isZero();
    return fetched.json();
  }

  private long issuances() {
    return run("cert", "list").out().lines().count();
  }

  private void writeFloor(Instant floor) throws Exception {
    String head = "vouchsafe-clock-floor 1\nfloor " + floor + "\n";
    byte[] sum =
        MessageDigest.getInstance("SHA-256").digest(head.getBytes(StandardCharsets.US_ASCII));
    Files.writeString(home().clock(), head + "sha256 " + HexFormat.of().formatHex(sum) + "\n");
  }

  private Instant keptFloor() throws IOException {
    return Files.readAllLines(home().clock()).stream()
        .filter(line -> line.startsWith("floor "))
        .map(line -> Instant.parse(line.substring("floor ".length())))
        .findFirst()
        .orElseThrow();
  }

  private boolean recorded(String action) {
    return run("audit", "show", "-o", "json").out().contains(action);
  }

  @Test
  void startedIn1970ItIssuesForAnHourFromTheFloorAndForgetsNothing() throws Exception {
    try (ServiceProcess service = serve(now)) {
      certificate("10h");
      service.signal("TERM");
      assertThat(service.ended()).isZero();
    }
    try (ServiceProcess service = serve(Instant.EPOCH.plusSeconds(3600))) {
      JsonNode clock = clock();
      assertThat(clock.path("verdict").asText()).isEqualTo("behind-build");
      assertThat(run("clock", "status").code()).isEqualTo(1);
      assertThat(time(clock, "time")).isBetween(now, now.plusSeconds(600));
      JsonNode bounded = certificate("10h");
      assertThat(time(bounded, "notAfter")).isBetween(now, now.plusSeconds(4200));
      assertThat(issuances()).isGreaterThanOrEqualTo(2);
      assertThat(run("check").out()).contains("FAIL  clock", "behind-build");
      assertThat(run("clock", "accept").code()).isEqualTo(1);
      // The time service comes: all is as before, and the https certificate is made anew.
      long before = issuances();
      move(now.plusSeconds(900));
      clockWhen(said -> said.path("trusted").asBoolean());
      assertThat(time(certificate("10h"), "notAfter")).isAfter(now.plusSeconds(36_000));
      Await.until(() -> issuances() > before + 1);
      assertThat(recorded("clock-untrusted")).isTrue();
      Await.until(() -> recorded("clock-trusted"));
      assertThat(service.isAlive()).isTrue();
    }
  }

  @Test
  void setForwardTenYearsWhileRunningItIssuesNothingThatLivesThen() throws Exception {
    try (ServiceProcess _ = serve(now)) {
      assertThat(run("clock", "status").code()).isZero();
      boolean synchronised = clock().path("synchronised").asText().equals("yes");
      assumeTrue(!synchronised, "this machine's kernel vouches for whatever its clock shows");
      move(now.plus(TEN_YEARS));
      // At once: the request itself finds it out.
      assertThat(time(certificate("10h"), "notAfter")).isBefore(now.plusSeconds(4800));
      JsonNode clock = clockWhen(said -> said.path("verdict").asText().equals("far-ahead"));
      assertThat(clock.path("next").asText()).contains("clock accept");
      move(now.plusSeconds(60));
      clockWhen(said -> said.path("trusted").asBoolean());
      Await.until(() -> run("audit", "show").out().contains("clock        from "));
    }
    assertThat(keptFloor()).as("ten years ahead is not kept").isBefore(now.plusSeconds(3600));
  }

  @Test
  void withStopNothingIsIssuedUntilTheClockIsAccepted() throws Exception {
    Files.writeString(
        home().configuration(),
        Files.readString(home().configuration()) + "\n[clock]\nuntrusted = \"stop\"\n");
    try (ServiceProcess service = serve(now)) {
      service.signal("TERM");
      assertThat(service.ended()).isZero();
    }
    writeFloor(now.plus(TEN_YEARS));
    try (ServiceProcess _ = serve(now)) {
      CliRun.Ended refused = run("fetch", "certificate");
      assertThat(refused.code()).isEqualTo(4);
      assertThat(refused.err()).contains("clock-untrusted");
      assertThat(run("fetch", "bundle").code()).isZero();
      CliRun.Ended accepted = run("clock", "accept");
      assertThat(accepted.code()).as(accepted.err()).isZero();
      assertThat(accepted.out()).contains("trusted");
      assertThat(certificate("10h").path("serial").asText()).isNotEmpty();
      assertThat(recorded("accept-clock")).isTrue();
    }
    try (ServiceProcess _ = serve(now.plusSeconds(5))) {
      assertThat(clock().path("trusted").asBoolean()).as("the floor stays lowered").isTrue();
    }
  }

  @Test
  void killedWhileItRunsTheFloorIsNoOlderThanItsLastWrite() throws Exception {
    try (ServiceProcess service = serve(now.plus(Duration.ofDays(20)))) {
      Await.until(() -> Files.exists(home().clock()));
      service.signal("KILL");
      assertThat(service.ended()).isEqualTo(137);
    }
    try (ServiceProcess _ = serve(now)) {
      assertThat(clock().path("verdict").asText()).isEqualTo("behind-floor");
      assertThat(time(clock(), "floor")).isAfter(now.plus(Duration.ofDays(20)).minusSeconds(1));
    }
  }

  @Test
  void aDamagedFloorIsToldAndMadeAnewFromTheLedger() throws Exception {
    Files.writeString(home().clock(), "not a floor");
    assertThat(run("check").out()).contains("WARN  clock", "damaged");
    try (ServiceProcess service = serve(now)) {
      assertThat(clock().path("trusted").asBoolean()).isTrue();
      assertThat(service.log()).contains("is damaged");
      clockWhen(said -> !said.has("fault"));
    }
    assertThat(Files.readString(home().clock())).startsWith("vouchsafe-clock-floor 1\n");
  }

  @Test
  void noHomeIsMadeWhileTheClockIsBehindTheBuild() {
    CliRun.Ended ended =
        CliRun.at(folder.resolve("other")).clock(InstantSource.fixed(Instant.EPOCH)).run("init");
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.err()).contains("set the clock first");
    assertThat(folder.resolve("other/data")).doesNotExist();
  }
}
