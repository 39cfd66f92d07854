package dev.vouchsafe.api;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The front ends of a test home, with short ticks. */
final class TestServer implements AutoCloseable {
  static final Timeouts QUICK =
      new Timeouts(
          Duration.ofSeconds(20),
          Duration.ofSeconds(20),
          Duration.ofSeconds(30),
          Duration.ofMillis(500),
          Duration.ofSeconds(20),
          Duration.ofSeconds(5),
          Duration.ofSeconds(5),
          Duration.ofSeconds(1),
          Duration.ofMillis(20));

  static final ApiSettings.Limits AMPLE = new ApiSettings.Limits(64, 32, 32);

  final Path workload;
  final Path spiffe;
  final Path admin;
  final ApiServer server;

  private TestServer(Path workload, Path spiffe, Path admin, ApiServer server) {
    this.workload = workload;
    this.spiffe = spiffe;
    this.admin = admin;
    this.server = server;
  }

  static TestServer start(TestHome home) throws IOException {
    return start(home, home.parts(), AMPLE, QUICK);
  }

  static TestServer start(TestHome home, ApiParts parts) throws IOException {
    return start(home, parts, AMPLE, QUICK);
  }

  static TestServer start(
      TestHome home, ApiParts parts, ApiSettings.Limits limits, Timeouts timeouts)
      throws IOException {
    return start(home, parts, limits, timeouts, Optional.empty());
  }

  static TestServer withHttps(TestHome home, ApiParts parts, Timeouts timeouts) throws IOException {
    ApiSettings.Https https =
        new ApiSettings.Https(
            "127.0.0.1", 0, List.of("localhost", "gw1.example"), List.of("127.0.0.1"));
    return start(home, parts, AMPLE, timeouts, Optional.of(https));
  }

  private static TestServer start(
      TestHome home,
      ApiParts parts,
      ApiSettings.Limits limits,
      Timeouts timeouts,
      Optional<ApiSettings.Https> https)
      throws IOException {
    Path run = home.folder.resolve("run");
    Path workload = run.resolve("workload.sock");
    Path admin = run.resolve("admin.sock");
    Path spiffe = run.resolve("spiffe.sock");
    ApiSettings settings = new ApiSettings(workload, Optional.of(spiffe), admin, https, limits);
    return new TestServer(workload, spiffe, admin, ApiServers.start(settings, parts, timeouts));
  }

  /** The https listener's real port. */
  int port() {
    String endpoint =
        server.endpoints().stream()
            .filter(each -> each.startsWith("https:"))
            .findAny()
            .orElseThrow();
    return Integer.parseInt(endpoint.substring(endpoint.lastIndexOf(':') + 1));
  }

  @Override
  public void close() {
    server.close();
  }
}
