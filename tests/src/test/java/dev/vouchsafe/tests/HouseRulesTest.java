package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.tests.SourceRules.Rule;
import dev.vouchsafe.tests.SourceRules.Source;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The sources keep the rules of CONTRIBUTING.md that a compiler doesn't know. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HouseRulesTest {
  /** One line for each rule that breaks it. */
  private static final Map<String, String> BREAKS =
      Map.of(
          "a test waits for a condition and never sleeps", "Thread.sl" + "eep(100);",
          "nothing is put off in a comment", "// TO" + "DO: later",
          "no test is switched off", "@Disab" + "led",
          "no mocks", "import org.moc" + "kito.Mock;",
          "letters change their case without the machine's locale", "name.toLowerCase(" + ")",
          "no path of the machine that it was written on", "cd /wo" + "rk/main",
          "no package registry is named", "https://example/artif" + "actory/x",
          "no address with a password", "https://user:pass" + "word@example/",
          "no private key", "MIG" + "HAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg");

  private List<Source> sources = List.of();

  @BeforeAll
  void readTheSources() throws IOException {
    sources = SourceRules.read(Places.root());
  }

  static List<Rule> rules() {
    return SourceRules.rules();
  }

  @ParameterizedTest
  @MethodSource("rules")
  void everySourceKeepsTheRule(Rule rule) {
    assertThat(sources.stream().flatMap(source -> rule.brokenBy(source).stream())).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("rules")
  void theRuleFindsTheLineThatBreaksIt(Rule rule) {
    Source bad =
        new Source("x/src/test/java/Bad.java", List.of("", BREAKS.getOrDefault(rule.name(), "")));
    assertThat(rule.brokenBy(bad)).singleElement().asString().contains("Bad.java:2");
  }

  @Test
  void noSourceIsTooLongToBeRead() {
    assertThat(sources).filteredOn(SourceRules::isTooLong).extracting(Source::path).isEmpty();
    assertThat(SourceRules.isTooLong(new Source("a.c", Collections.nCopies(601, "")))).isTrue();
  }

  @Test
  void theSourcesOfEveryModuleWereRead() {
    for (String module :
        List.of(
            "key-store-hsm", "attestation", "trust-bundle", "ca-service", "workload-api", "cli")) {
      assertThat(sources)
          .as(module)
          .anyMatch(source -> source.path().startsWith(module + "/src/main"));
    }
  }
}
