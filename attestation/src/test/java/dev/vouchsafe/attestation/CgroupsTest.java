package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The container that a cgroup path names is the outermost one, and only where root put it. */
class CgroupsTest {
  private static final String A = "a".repeat(64);
  private static final String B = "b".repeat(64);

  private static Cgroups parse(String text) {
    String filled = text.replace("{A}", A).replace("{B}", B).replace("|", "\n");
    return Cgroups.parse(filled.getBytes(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @CsvSource({
    "DOCKER, 0::/system.slice/docker-{A}.scope",
    "DOCKER, 0::/system.slice/docker-{A}.scope/init.scope",
    "DOCKER, 0::/docker/{A}",
    "DOCKER, '5:memory:/docker/{A}|1:name=systemd:/docker/{A}|0::/'",
    "DOCKER, '5:cpu,cpuacct:/docker/{A}/docker/{B}|1:name=systemd:/docker/{A}/docker/{B}'",
    "DOCKER, 0::/docker/{A}/system.slice/docker-{B}.scope",
    "DOCKER, 0::/system.slice/docker-{A}.scope/machine.slice/libpod-{B}.scope",
    "PODMAN, 0::/machine.slice/libpod-{A}.scope",
    "PODMAN, 0::/machine.slice/libpod-{A}.scope/container/docker/{B}",
    "PODMAN, 0::/libpod_parent/libpod-{A}",
    "PODMAN, 0::/system.slice/web.service/libpod-payload-{A}",
    "PODMAN, 0::/system.slice/system-web.slice/web@1.service/libpod-payload-{A}",
  })
  void theOutermostContainerIsFound(Selector.Engine engine, String text) {
    assertThat(parse(text).container())
        .hasValueSatisfying(c -> {
          assertThat(c.engine()).isEqualTo(engine);
          assertThat(c.id()).isEqualTo(A);
          assertThat(c.prefixes()).isNotEmpty().allMatch(p -> !p.contains(B));
        });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0::/",
        "0::/init.scope",
        "0::/system.slice/nginx.service",
        // Made by a user below what is his own.
        "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{A}.scope/container",
        "0::/user.slice/user-1000.slice/user@1000.service/docker/{A}",
        "0::/user.slice/user-1000.slice/user@1000.service/app.slice/docker-{A}.scope",
        "0::/user.slice/libpod-{A}.scope",
        "0::/user.slice/docker/{A}",
        // Made by a service below what was handed to it.
        "0::/system.slice/evil.service/docker/{A}",
        "0::/system.slice/evil.service/docker-{A}.scope",
        "0::/system.slice/evil.service/machine.slice/libpod-{A}.scope",
        "0::/machine.slice/machine-vm.scope/libpod-{A}.scope",
        // Looks like one only.
        "0::/docker/aaaa",
        "0::/docker/{A}a",
        "0::/docker/{A}.scope",
        "0::/dockerx/{A}",
        "0::/docker/A{A}",
        "0::/system.slice/docker-{A}.service",
        "0::/system.slice/docker-{A}.scopes",
        "0::/machine.slice/libpod-conmon-{A}.scope",
        "0::/libpod_parent/conmon",
        "0::/system.slice/web.scope/libpod-payload-{A}",
        "0::/system.slice/libpod-payload-{A}",
        "0::/../docker/{A}",
        "0:docker/{A}",
        "docker/{A}",
        "",
        // Two hierarchies, two containers: something is moved about.
        "5:memory:/docker/{A}|1:name=systemd:/docker/{B}",
        "5:memory:/docker/{A}|0::/libpod_parent/libpod-{A}",
      })
  void whatOthersThanRootCanNameIsNoContainer(String text) {
    assertThat(parse(text).container()).isEmpty();
  }

  @Test
  void twoProcessesOfOneContainerHaveOnePlaceInEveryHierarchy() {
    String one = "9:name=systemd:/docker/{A}/x|4:memory:/docker/{A}|0::/";
    String other = "9:name=systemd:/docker/{A}/init.scope|4:memory:/docker/{A}|0::/";
    String forged = "9:name=systemd:/docker/{A}/x|4:memory:/elsewhere|0::/";
    assertThat(parse(one).container()).isEqualTo(parse(other).container());
    assertThat(parse(one).container()).isNotEqualTo(parse(forged).container());
  }

  @Test
  void systemdsOwnHierarchyIsTakenWhereThereIsOne() {
    assertThat(parse("0::/system.slice/a.service").systemd()).contains("/system.slice/a.service");
    assertThat(parse("9:name=systemd:/a|0::/b").systemd()).contains("/a");
    assertThat(parse("0::/b|1:name=systemd:/a").systemd()).contains("/a");
    // Mounted by somebody, and used by no manager.
    assertThat(parse("9:name=systemd:/|0::/b").systemd()).contains("/b");
    assertThat(parse("3:memory:/a").systemd()).isEmpty();
    assertThat(parse("10::/a").systemd()).isEmpty();
    // A path may hold colons.
    assertThat(parse("0::/a:b:/c").systemd()).contains("/a:b:/c");
  }

  @Test
  void anyTextIsReadInNoTimeAndNeverGivesAContainerThatItDoesntName() {
    Random random = new Random(3);
    String valid =
        "9:name=systemd:/system.slice/a.slice/b.service/libpod-payload-" + A + "/x\n0::/";
    for (int i = 0; i < 5_000; i++) {
      byte[] copy = valid.getBytes(StandardCharsets.UTF_8);
      for (int n = 1 + random.nextInt(3); n > 0; n--) {
        copy[random.nextInt(copy.length)] = (byte) random.nextInt(256);
      }
      String text = new String(copy, StandardCharsets.UTF_8);
      Cgroups.parse(copy)
          .container()
          .ifPresent(c -> assertThat(text).contains("libpod-payload-" + c.id()));
    }
    String deep = "0::/system.slice/" + "a.slice/".repeat(8000) + "x";
    assertThat(parse(deep).container()).isEmpty();
  }
}
