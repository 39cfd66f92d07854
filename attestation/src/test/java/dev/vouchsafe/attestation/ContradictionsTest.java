package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What no caller can match is a mistake in the file, and what some caller can match is not. */
class ContradictionsTest {
  private static final String A = "a".repeat(64);
  private static final String B = "b".repeat(64);
  private static final String I = "1".repeat(32);
  private static final String J = "2".repeat(32);

  private static String texts(String... selectors) {
    return Stream.of(selectors)
        .map(s -> '"' + filled(s) + '"')
        .collect(Collectors.joining(", ", "[", "]"));
  }

  private static String filled(String text) {
    return text.replace("{A}", A).replace("{B}", B).replace("{I}", I).replace("{J}", J);
  }

  private static List<RegistrationProblem> problems(String keys) {
    String toml = "[[module]]\nname = \"m\"\n" + keys + "\n";
    return RegistrationFile.parse(
            Path.of("x.toml"), toml.getBytes(StandardCharsets.UTF_8), Samples.RULES)
        .problems();
  }

  @ParameterizedTest
  @CsvSource({
    "unix:uid:1, unix:uid:2",
    "unix:user:a, unix:user:b",
    "unix:gid:1, unix:gid:2",
    "unix:group:a, unix:group:b",
    "unix:path:/a, unix:path:/b",
    "unix:sha256:{A}, unix:sha256:{B}",
    "process:script-sha256:{A}, process:script-sha256:{B}",
    "systemd:unit:a.service, systemd:unit:b.service",
    "systemd:unit:a*.service, systemd:unit:b.service",
    "systemd:unit:a*.service, systemd:unit:*b.scope",
    "systemd:slice:a.slice, systemd:slice:b.slice",
    "systemd:slice:a-b.slice, systemd:slice:a-c.slice",
    "systemd:slice:ab.slice, systemd:slice:a.slice",
    "systemd:invocation-id:{I}, systemd:invocation-id:{J}",
    "container:id:{A}, container:id:{B}",
    "container:engine:docker, container:engine:podman",
    "container:name:a, container:name:b",
    "container:name:a*, container:name:b*",
    "container:image:a:1, container:image:a:2",
    "container:image-digest:sha256:{A}, container:image-digest:sha256:{B}",
    "container:label:k=1, container:label:k=2",
    "container:name:a, unix:path:/a",
    "container:name:a, unix:sha256:{A}",
    "container:engine:docker, process:script-sha256:{A}",
    "container:name:a, systemd:unit:a.service",
  })
  void twoSelectorsOfWhichOnlyOneCanHoldAreAnError(String one, String other) {
    String owner = "unix:supplementary-group:9";
    for (String[] order : List.of(new String[] {one, other}, new String[] {other, one})) {
      assertThat(problems("selectors = " + texts("unix:uid:1", owner, order[0], order[1])))
          .extracting(RegistrationProblem::code)
          .containsExactly("never-matches");
      assertThat(
              problems(
                  "selectors = "
                      + texts("unix:uid:1", order[0])
                      + "\nany = ["
                      + texts(order[1])
                      + "]"))
          .extracting(RegistrationProblem::code)
          .containsExactly("never-matches");
    }
    assertThat(problems("any = [" + texts("unix:uid:1", one, other) + "]"))
        .extracting(RegistrationProblem::code)
        .containsExactly("never-matches");
  }

  @ParameterizedTest
  @CsvSource({
    "unix:uid:1, unix:user:a",
    "unix:supplementary-group:1, unix:supplementary-group:2",
    "systemd:unit:a*.service, systemd:unit:*b.service",
    "systemd:unit:a*.service, systemd:unit:ab.service",
    "systemd:slice:a.slice, systemd:slice:a-b.slice",
    "systemd:slice:-.slice, systemd:slice:a.slice",
    "systemd:slice:a*.slice, systemd:slice:b.slice",
    "systemd:unit:a.service, unix:path:/a",
    "container:name:a*, container:name:*b",
    "container:label:k=1, container:label:j=2",
    "container:label:k=1*, container:label:k=*1",
    "container:name:a, systemd:slice:machine.slice",
    "container:name:a, systemd:unit:libpod-*.scope",
    "container:name:a, unix:gid:5",
  })
  void twoSelectorsThatCanHoldTogetherAreFine(String one, String other) {
    String any = one.startsWith("unix:uid") ? "unix:gid:1" : "unix:uid:1";
    assertThat(problems("selectors = " + texts(any, one, other))).isEmpty();
    assertThat(problems("selectors = " + texts(any, one) + "\nany = [" + texts(other) + "]"))
        .isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "unix:path:/a, unix:path:/a",
    "systemd:unit:a.service, systemd:unit:a*.service",
    "systemd:unit:a*b.service, systemd:unit:a*.service",
    "systemd:slice:a-b.slice, systemd:slice:a.slice",
    "container:name:web1, container:name:web*",
    "container:image:r/a:1, container:image:r/*",
    "container:label:k=1, container:label:k=*",
    "container:name:web1, unix:path:/a",
  })
  void whatIsWantedAndExcludedAtOnceIsAnError(String wanted, String excluded) {
    String not = "\nnot = " + texts(excluded);
    assertThat(problems("selectors = " + texts("unix:uid:1", wanted) + not))
        .extracting(RegistrationProblem::code)
        .containsExactly("never-matches");
    assertThat(
            problems(
                "selectors = " + texts("unix:uid:1") + "\nany = [" + texts(wanted) + "]" + not))
        .extracting(RegistrationProblem::code)
        .containsExactly("never-matches");
  }

  @ParameterizedTest
  @CsvSource({
    "container:name:web*, container:name:web1",
    "container:label:k=1, container:label:j=1",
    "systemd:slice:a.slice, systemd:slice:a-b.slice",
    "systemd:unit:a.service, container:engine:docker",
    "unix:path:/a, unix:path:/b",
  })
  void whatIsExcludedAndLeavesSomethingIsFine(String wanted, String excluded) {
    assertThat(
            problems("selectors = " + texts("unix:uid:1", wanted) + "\nnot = " + texts(excluded)))
        .isEmpty();
  }

  @Test
  void everyAlternativeNeedsAnOwnerUnlessSelectorsHaveOne() {
    String gid = "unix:gid:1";
    assertThat(problems("any = [" + texts("unix:uid:1") + "," + texts(gid) + "]"))
        .singleElement()
        .satisfies(p -> {
          assertThat(p.code()).isEqualTo("weak-registration");
          assertThat(p.message()).contains("list 2");
        });
    assertThat(problems("any = [" + texts("unix:uid:1") + "," + texts("unix:user:a", gid) + "]"))
        .isEmpty();
    assertThat(problems("selectors = " + texts("unix:uid:1") + "\nany = [" + texts(gid) + "]"))
        .isEmpty();
    assertThat(problems("selectors = []\nany = [" + texts("container:name:a") + "]")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "unix:gid:1",
        "unix:path:/a",
        "process:script-sha256:{A}",
        "systemd:slice:edge.slice",
        "container:engine:docker",
        "container:label:k=v",
      })
  void whatOnlyNarrowsIsNoOwner(String text) {
    assertThat(problems("selectors = " + texts(text)))
        .extracting(RegistrationProblem::code)
        .containsExactly("weak-registration");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "systemd:unit:a.service",
        "systemd:unit:edge-*.service",
        "systemd:unit:a@*.service",
        "systemd:invocation-id:{I}",
        "container:id:{A}",
        "container:name:web-*",
        "container:image:registry:5000/a/b:1.0",
        "container:image:registry/a@sha256:{A}",
        "container:image-digest:sha256:{A}",
      })
  void whatAnotherLocalUserCantTakeOnIsAnOwner(String text) {
    assertThat(problems("selectors = " + texts(text))).isEmpty();
  }

  @Test
  void whatMayNotHoldKeepsNobodyOut() {
    assertThat(problems("selectors = " + texts("unix:gid:1") + "\nnot = " + texts("unix:uid:1")))
        .extracting(RegistrationProblem::code)
        .containsExactly("weak-registration");
    assertThat(problems("not = " + texts("unix:uid:1")))
        .extracting(RegistrationProblem::code)
        .containsExactly("missing-key");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "unix:user:ann*, a * stands",
        "unix:uid:*, a * stands",
        "unix:path:/opt/*/bin, a * stands",
        "unix:sha256:*, a * stands",
        "process:script-sha256:*, a * stands",
        "process:script-sha256:AA, 64",
        "systemd:invocation-id:*, a * stands",
        "systemd:invocation-id:12, 32",
        "systemd:unit:nginx, NAME.service",
        "systemd:unit:a.slice, NAME.service",
        "systemd:unit:a/b.service, systemd-escape",
        "systemd:unit:*.service, every unit",
        "systemd:unit:.service, every unit",
        "systemd:slice:system, NAME.slice",
        "systemd:slice:*.slice, every unit",
        "container:engine:dcker, did you mean",
        "container:engine:*, a * stands",
        "container:id:abc, 64",
        "container:id:*, a * stands",
        "container:name:/web, no slash",
        "container:name:*, every container",
        "container:name:**, every container",
        "container:image:*, every container",
        "`container:image:a b`, registry",
        "container:image-digest:abc, sha256:",
        "container:image-digest:sha256:*, a * stands",
        "container:label:k, KEY=VALUE",
        "container:label:=v, KEY=VALUE",
        "container:label:k*=v, not in its key",
        "`container:label:k=a\\u0001`, control",
      })
  void aSelectorThatCantBeSaysWhy(String text, String help) {
    assertThat(problems("selectors = [\"unix:uid:1\", \"" + text + "\"]"))
        .singleElement()
        .satisfies(p -> {
          assertThat(p.code()).isEqualTo("bad-selector");
          assertThat(p.message()).contains(help);
        });
  }

  @Test
  void whatIsPrintedReadsTheSame() throws RegistrationException {
    String keys =
        "selectors = "
            + texts("unix:uid:1", "container:label:k=a=b c*")
            + "\nany = ["
            + texts("container:name:a*", "unix:gid:1")
            + ","
            + texts("container:id:{A}")
            + "]\nnot = "
            + texts("container:image:x/*", "container:engine:podman");
    byte[] toml = ("[[module]]\nname = \"m\"\n" + keys).getBytes(StandardCharsets.UTF_8);
    RegistrationFile file = RegistrationFile.parse(Path.of("x"), toml, Samples.RULES);
    assertThat(file.problems()).isEmpty();
    Registration registration = file.registrations().getFirst();
    assertThat(registration.any()).hasSize(2);
    assertThat(registration.not()).hasSize(2);
    assertThat(registration.everySelector()).hasSize(7);
    byte[] printed = RegistrationPrinter.print(registration).getBytes(StandardCharsets.UTF_8);
    assertThat(RegistrationFile.parse(Path.of("y"), printed, Samples.RULES).registrations())
        .containsExactly(registration);
  }
}
