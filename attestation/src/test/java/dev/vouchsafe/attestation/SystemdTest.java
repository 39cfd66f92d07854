package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Units of a real systemd, which runs as the first process of a container, with its own message bus
 * and its own tree of cgroups. The attestor runs there too, as {@link SystemdProbe}.
 */
@Timeout(180)
class SystemdTest {
  private static final List<String> PROGRAMS =
      List.of(
          "/lib/systemd/systemd",
          "/usr/bin/systemd-run",
          "/usr/bin/dbus-daemon",
          "/usr/lib/systemd/system/dbus.socket");

  /** The container's tree of cgroups is made writable before systemd takes it over. */
  private static final String INIT =
      "mount -o remount,rw /sys/fs/cgroup; exec /lib/systemd/systemd --unit=basic.target";

  private static final String ATTESTED = "attested";
  private static final String REFUSED = "refused: selector-mismatch";

  private static Map<String, String> expected() {
    Map<String, String> expected = new LinkedHashMap<>();
    List.of(
            "unit",
            "unit-glob",
            "slice",
            "slice-root",
            "invocation",
            "path",
            "user",
            "own-mounts",
            "template",
            "inner-slice",
            "outer-slice",
            "scope",
            "first-invocation",
            "same-unit",
            "with-bus")
        .forEach(name -> expected.put(name, ATTESTED));
    List.of(
            "unit-other",
            "unit-part",
            "slice-other",
            "invocation-other",
            "user-other",
            "system-slice",
            "below-users",
            "below-users-invocation",
            "no-unit",
            "old-invocation",
            "below-own-unit",
            "forged-name",
            "unknown-unit",
            "users-manager",
            "without-bus-other")
        .forEach(name -> expected.put(name, REFUSED));
    expected.put("own-mounts-by-uid", "refused: foreign-namespace");
    expected.put("without-bus", "unavailable: measurement-timeout");
    return expected;
  }

  @Test
  void aCallerIsTheUnitThatTheSystemManagerHasAtItsCgroup() throws Exception {
    boolean all = PROGRAMS.stream().allMatch(program -> Files.exists(Path.of(program)));
    if (!all) {
      System.out.println("No systemd for this test: it takes " + PROGRAMS);
    }
    assumeTrue(all, "needs systemd's programs");
    Optional<PrivateDocker> started = PrivateDocker.start();
    assumeTrue(started.isPresent(), "needs root and a container engine");
    try (PrivateDocker docker = started.get()) {
      startSystemd(docker);
      assertThat(probe(docker)).containsExactlyInAnyOrderEntriesOf(expected());
    }
  }

  private static void startSystemd(PrivateDocker docker) throws Exception {
    Set<String> places = new LinkedHashSet<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      if (Files.exists(Path.of(entry))) {
        places.add(entry);
      }
    }
    places.add(System.getProperty("java.home"));
    List<String> words =
        new ArrayList<>(
            List.of(
                "run",
                "-d",
                "--name",
                "sd",
                "--cap-add=SYS_ADMIN",
                "--cap-add=SYS_PTRACE",
                "--security-opt=seccomp=unconfined",
                "--security-opt=apparmor=unconfined",
                "--cgroupns=private",
                "--network=none",
                "--tmpfs=/run",
                "--env=container=docker",
                "--volume=/usr:/usr:ro"));
    places.stream()
        .filter(place -> !place.startsWith("/usr/"))
        .forEach(place -> words.add("--volume=" + place + ":" + place + ":ro"));
    words.addAll(List.of(PrivateDocker.IMAGE, "/bin/sh", "-c", INIT));
    docker.run(words.toArray(String[]::new));
    Process settled =
        new ProcessBuilder(
                docker.command(
                    "exec",
                    "sd",
                    "timeout",
                    "60",
                    "sh",
                    "-c",
                    "until systemctl is-system-running --wait | grep -q 'running\\|degraded';"
                        + " do :; done; busctl status > /dev/null"))
            .inheritIO()
            .start();
    if (!settled.waitFor(90, TimeUnit.SECONDS) || settled.exitValue() != 0) {
      throw new IOException("systemd doesn't settle: " + docker.run("logs", "sd"));
    }
  }

  private static Map<String, String> probe(PrivateDocker docker) throws IOException {
    String output =
        docker.run(
            "exec",
            "sd",
            System.getProperty("java.home") + "/bin/java",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            System.getProperty("java.class.path"),
            SystemdProbe.class.getName(),
            "/root");
    Map<String, String> found = new LinkedHashMap<>();
    output
        .lines()
        .filter(line -> line.contains("="))
        .forEach(line -> found.put(line.split("=", 2)[0], line.split("=", 2)[1]));
    return found;
  }
}
