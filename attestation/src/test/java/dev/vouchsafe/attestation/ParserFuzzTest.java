package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;

/** Parsers at the edge, fed with anything. */
class ParserFuzzTest {
  private static final List<String> VALID =
      List.of(
          """
          [[module]]
          name = "edgeHub"
          generation = "1"
          selectors = ["unix:user:edgehub", "unix:path:/usr/sbin/mosquitto", "unix:gid:5"]
          profiles = ["identity", "server"]
          dns = ["gateway.local", "*.gateway.local"]
          ip = ["192.168.1.10", "fd00::a"]
          ttl = "1h"
          audiences = ["hub.example"]
          channels = ["unix", "https"]
          strict = false
          spiffe = "edge/hub"
          """,
          """
          [[module]]
          name = "web"
          selectors = ["unix:gid:5", "container:label:k=a=b"]
          any = [["container:name:web-*", "container:engine:docker"], ["systemd:unit:w@*.service"]]
          not = ["container:image:evil/*", "systemd:slice:test.slice"]
          """,
          "module = [{name = 'a', selectors = ['unix:uid:0']}]\n",
          "# nothing\n[[module]]\n\"name\" = \"\"\"\n$a b\"\"\"\nselectors = [\n\"unix:uid:4294967294\",\n]\n");

  static Stream<byte[]> seeds() {
    return VALID.stream().map(s -> s.getBytes(StandardCharsets.UTF_8));
  }

  /** Either problems or registrations that say the same when they are written and read again. */
  private static void parse(byte[] content) {
    RegistrationFile file = RegistrationFile.parse(Path.of("x.toml"), content, Samples.RULES);
    assertThat(file.registrations().isEmpty() || file.problems().isEmpty()).isTrue();
    for (Registration registration : file.registrations()) {
      byte[] printed = RegistrationPrinter.print(registration).getBytes(StandardCharsets.UTF_8);
      RegistrationFile again = RegistrationFile.parse(Path.of("y.toml"), printed, Samples.RULES);
      assertThat(again.problems()).isEmpty();
      assertThat(again.registrations()).containsExactly(registration);
      boolean owned = registration.selectors().stream().anyMatch(Selector::owner);
      boolean each =
          !registration.any().isEmpty()
              && registration.any().stream()
                  .allMatch(list -> list.stream().anyMatch(Selector::owner));
      assertThat(owned || each).isTrue();
    }
  }

  @Tag("fuzz")
  @MethodSource("seeds")
  @FuzzTest(maxDuration = "20s")
  void registrationFiles(byte[] content) {
    parse(content);
  }

  @Tag("fuzz")
  @FuzzTest(maxDuration = "20s")
  void textsOfProc(byte[] content) {
    var _ = ProcText.credentials(content);
    var _ = ProcText.groups(content);
    var _ = ProcText.enginePrefixes(content);
    Cgroups cgroups = Cgroups.parse(content);
    var _ = cgroups.systemd();
    cgroups.container().ifPresent(c -> assertThat(c.id()).hasSize(64));
    var _ =
        ProcText.executableMappingEnd(
            content, content.length, new FileFacts(0100755, 0, 0, 1, 1, 1, 1, 0, 0, 1));
  }

  @Tag("fuzz")
  @FuzzTest(maxDuration = "20s")
  void answersOfEngines(byte[] content) {
    try {
      assertThat(ContainerFacts.parse(content).imageDigest()).startsWith("sha256:");
    } catch (IOException e) {
      assertThat(e.getMessage()).contains("understood");
    }
  }

  @Tag("fuzz")
  @FuzzTest(maxDuration = "30s")
  void selectors(String text) {
    try {
      Selector selector = RegistrationFolder.selector(text);
      assertThat(RegistrationFolder.selector(selector.text())).isEqualTo(selector);
    } catch (RegistrationException e) {
      assertThat(e.getMessage()).isNotEmpty();
    }
  }

  @Test
  void registrationFilesWithRandomChangesAreReadWholeOrRefusedWhole() {
    Random random = new Random(2);
    for (int i = 0; i < 5_000; i++) {
      String valid = VALID.get(random.nextInt(VALID.size()));
      byte[] copy = valid.getBytes(StandardCharsets.UTF_8);
      for (int n = 1 + random.nextInt(3); n > 0; n--) {
        copy[random.nextInt(copy.length)] =
            random.nextBoolean() ? (byte) random.nextInt(256) : copy[random.nextInt(copy.length)];
      }
      parse(copy);
    }
  }
}
