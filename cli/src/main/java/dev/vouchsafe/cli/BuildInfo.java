package dev.vouchsafe.cli;

import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** Which build this is: its version, and when it was made, as the build wrote them down. */
final class BuildInfo implements IVersionProvider {
  private final Properties properties;

  BuildInfo() {
    properties = new Properties();
    try (InputStream in = BuildInfo.class.getResourceAsStream("build.properties")) {
      if (in == null) {
        throw new IllegalStateException("build.properties is missing from the program's jar");
      }
      properties.load(in);
    } catch (IOException e) {
      throw new IllegalStateException("build.properties can't be read", e);
    }
  }

  String version() {
    return properties.getProperty("version", "unknown");
  }

  /** No earlier moment than this can be now. */
  Instant madeAt() {
    return Instant.parse(properties.getProperty("time", "2026-01-01T00:00:00Z"));
  }

  @Override
  public String[] getVersion() {
    return new String[] {
      "vouchsafe " + version(), "Java " + Runtime.version(),
    };
  }
}
