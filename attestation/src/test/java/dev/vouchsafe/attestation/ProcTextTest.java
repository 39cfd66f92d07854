package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProcTextTest {
  @Test
  void theKernelsFlagsStandBehindTheNameWhateverThatIs() {
    for (String name : List.of("sh", "a) R 1 1 1 1 1 0 0", ") (", "x\ny", "")) {
      String stat = "12 (" + name + ") S 1 12 12 34816 -1 4194304 5 6 7\n";
      assertThat(ProcText.flags(stat.getBytes(StandardCharsets.UTF_8))).isEqualTo(0x400000);
    }
    for (String broken : List.of("", "12", "12 (sh) S 1", "12 (sh) S 1 2 3 4 5 x")) {
      assertThat(ProcText.flags(broken.getBytes(StandardCharsets.UTF_8))).isZero();
    }
  }

  private static final String ID =
      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  private static final FileFacts FILE =
      new FileFacts(0100755, 0, 0, (0xfeL << 32) | 1, 260_723, 100, 1, 0, 0, 1);
  private static final String MAPS =
      """
      55f864e34000-55f864e7d000 r--p 00000000 fe:01 260723                     /usr/bin/perl
      55f864e7d000-55f865012000 r-xp 00049000 fe:01 260723                     /usr/bin/perl
      7fff00000000-7fff00001000 r-xp 00000000 00:00 0                          [vdso]
      """;

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static List<String> engines(String path) {
    return ProcText.enginePrefixes(bytes("0::" + path + "\n"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/system.slice/docker-" + ID + ".scope",
        "/docker/" + ID,
        "/machine.slice/libpod-" + ID + ".scope",
        "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-"
            + ID
            + ".scope/container",
        "/kubepods/burstable/pod1/" + ID,
        "/kubepods.slice/kubepods-burstable.slice/cri-containerd-" + ID + ".scope",
        "/kubepods.slice/crio-" + ID + ".scope",
        "/lxc/payload/lxc.payload.web",
        "/lxc.payload.web/system.slice/a.service",
        "/machine.slice/machine-deb.scope/payload",
        "/machine.slice/systemd-nspawn@deb.service/payload",
        "/docker/" + ID + "/system.slice/inner.service",
        "/system.slice/a.service/docker-" + ID + ".scope",
      })
  void aContainersPathIsToldFromTheHosts(String path) {
    assertThat(engines(path)).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/init.scope",
        "/system.slice/docker.service",
        "/system.slice/vouchsafe.service",
        "/user.slice/user-1000.slice/session-1.scope",
        "/process_api/7464d95137e5fe5d5be3e76b4c68938c",
        "/system.slice/docker-abc.scope",
      })
  void aHostsPathIsNoContainers(String path) {
    assertThat(engines(path)).isEmpty();
  }

  @Test
  void insideOneContainerAllServicesAreAlikeAndAnotherContainerIsNot() {
    String other = ID.replace('0', 'f');
    assertThat(engines("/docker/" + ID + "/a")).isEqualTo(engines("/docker/" + ID + "/b/c"));
    assertThat(engines("/docker/" + ID)).isNotEqualTo(engines("/docker/" + other));
    assertThat(engines("/docker/" + ID + "/docker/" + other))
        .isNotEqualTo(engines("/docker/" + ID));
  }

  @Test
  void anExecutableMappingIsFoundByDeviceAndInode() {
    byte[] maps = bytes(MAPS);
    assertThat(ProcText.executableMappingEnd(maps, maps.length, FILE)).isPositive();
    String readable = MAPS.replaceFirst("r-xp", "r--p");
    assertThat(ProcText.executableMappingEnd(bytes(readable), readable.length(), FILE)).isZero();
    String otherDevice = MAPS.replace("fe:01", "fe:02");
    assertThat(ProcText.executableMappingEnd(bytes(otherDevice), otherDevice.length(), FILE))
        .isZero();
    String otherInode = MAPS.replace("260723", "2607231");
    assertThat(ProcText.executableMappingEnd(bytes(otherInode), otherInode.length(), FILE))
        .isZero();
  }

  @Test
  void aMappingsNameCantForgeALine() {
    // The kernel writes a line break in a file's name as \\012.
    String maps =
        "1000-2000 r--p 00000000 00:01 5 /x\\0121000-2000 r-xp 00000000 fe:01 260723 /y\n";
    assertThat(ProcText.executableMappingEnd(bytes(maps), maps.length(), FILE)).isZero();
  }

  @Test
  void aLineThatIsCutOffIsNotRead() {
    byte[] maps = bytes(MAPS);
    int cut = MAPS.indexOf("260723", MAPS.indexOf("r-xp")) + 6;
    assertThat(ProcText.executableMappingEnd(maps, cut, FILE)).isZero();
    for (int length = 0; length < cut; length++) {
      assertThat(ProcText.executableMappingEnd(maps, length, FILE)).isZero();
    }
  }

  @Test
  void ourOwnStatusIsRead() throws Exception {
    byte[] status = Files.readAllBytes(Path.of("/proc/self/status"));
    assertThat(ProcText.credentials(status))
        .hasValueSatisfying(c -> assertThat(c.allUids(Samples.uid())).isTrue());
    assertThat(ProcText.groups(status)).isPresent();
  }

  @Test
  void aStatusThatIsNotOneSaysNothing() {
    for (String status :
        List.of("", "Uid:", "Uid:\t1\t2\t3\nGid:\t1\t2\t3\t4\n", "Uid:\t1\t2\t3\tx\n")) {
      assertThat(ProcText.credentials(bytes(status))).isEmpty();
    }
    assertThat(ProcText.groups(bytes("Groups:\t99999999999\n"))).isEmpty();
  }

  @Test
  void randomlyChangedTextsBreakNothingAndNeverBecomeAnotherFile() {
    Random random = new Random(1);
    byte[] status = bytes("Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t1\t2\t3\t4\nGroups:\t5 6 \n");
    byte[] cgroup = bytes("12:pids:/docker/" + ID + "\n0::/kubepods/x/" + ID + "\n");
    FileFacts other = new FileFacts(0100755, 0, 0, 7, 99_999_999_999L, 1, 1, 0, 0, 1);
    for (int i = 0; i < 20_000; i++) {
      var _ = ProcText.credentials(mutated(status, random));
      var _ = ProcText.groups(mutated(status, random));
      var _ = ProcText.enginePrefixes(mutated(cgroup, random));
      byte[] maps = mutated(bytes(MAPS), random);
      assertThat(ProcText.executableMappingEnd(maps, maps.length, other)).isZero();
    }
  }

  private static byte[] mutated(byte[] original, Random random) {
    byte[] copy = Arrays.copyOf(original, random.nextInt(original.length + 1));
    for (int i = random.nextInt(4); i > 0 && copy.length > 0; i--) {
      copy[random.nextInt(copy.length)] = (byte) random.nextInt(256);
    }
    return copy;
  }
}
