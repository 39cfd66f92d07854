package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Holds the attacks of docs/threat-model.md against the tests that are said to perform them. */
class ThreatModelTest {
  private static final Pattern ROW =
      Pattern.compile("^\\| (?<attack>.+?) \\| (?<outcome>.+?) \\| (?<tests>.*?) ?\\|$");
  private static final Pattern NAMED = Pattern.compile("`(\\w+Test)\\.(\\w+)`");
  private static final Pattern TEST =
      Pattern.compile("^  (?:public )?void (\\w+)\\(", Pattern.MULTILINE);
  private static final Pattern ANNOTATED =
      Pattern.compile("@(?:Test|ParameterizedTest|RepeatedTest|FuzzTest)\\b");
  private static final Pattern SUITE =
      Pattern.compile("\\w+AttacksTest|PidReuseAttackTest|InvisibleCallerTest");

  /** An attack, as the page has it. */
  private record Row(String attack, String outcome, String tests) {
    /** The tests that it names, as {@code Class.method}. */
    Set<String> named() {
      Set<String> named = new TreeSet<>();
      Matcher matcher = NAMED.matcher(tests);
      while (matcher.find()) {
        named.add(matcher.group(1) + "." + matcher.group(2));
      }
      return named;
    }

    boolean isOutOfScope() {
      return outcome.startsWith("out of scope");
    }
  }

  private static List<Row> rows() throws IOException {
    String page = Files.readString(Places.root().resolve("docs/threat-model.md"));
    int start = page.indexOf("## Attacks, and the tests that perform them\n");
    assertThat(start).isPositive();
    List<Row> rows = new ArrayList<>();
    for (String line : page.substring(start).lines().toList()) {
      Matcher matcher = ROW.matcher(line);
      if (matcher.matches() && !matcher.group("attack").equals("attack")) {
        rows.add(
            new Row(matcher.group("attack"), matcher.group("outcome"), matcher.group("tests")));
      }
    }
    return rows;
  }

  /** Every test of every module, by its class. */
  private static Map<String, Set<String>> tests() throws IOException {
    Map<String, Set<String>> tests = new HashMap<>();
    try (Stream<Path> modules = Files.list(Places.root())) {
      for (Path module : modules.toList()) {
        // Two modules may have a class of one name.
        testsIn(module)
            .forEach(
                (name, found) -> tests.computeIfAbsent(name, any -> new TreeSet<>()).addAll(found));
      }
    }
    return tests;
  }

  private static Map<String, Set<String>> testsIn(Path module) throws IOException {
    Map<String, Set<String>> tests = new HashMap<>();
    Path sources = module.resolve("src/test/java");
    if (Files.isDirectory(sources)) {
      try (Stream<Path> files = Files.walk(sources)) {
        for (Path file : files.filter(each -> each.toString().endsWith("Test.java")).toList()) {
          String name = file.getFileName().toString().replace(".java", "");
          tests.put(name, testsOf(Files.readString(file)));
        }
      }
    }
    return tests;
  }

  /** The methods whose annotations, up to the empty line before them, make them tests. */
  private static Set<String> testsOf(String source) {
    Set<String> tests = new TreeSet<>();
    Matcher matcher = TEST.matcher(source);
    while (matcher.find()) {
      String before = source.substring(0, matcher.start());
      if (ANNOTATED.matcher(before.substring(before.lastIndexOf("\n\n") + 1)).find()) {
        tests.add(matcher.group(1));
      }
    }
    return tests;
  }

  @Test
  void everyTestThatThePageNamesIsThere() throws IOException {
    Map<String, Set<String>> tests = tests();
    assertThat(rows())
        .hasSizeGreaterThan(80)
        .allSatisfy(row -> {
          for (String named : row.named()) {
            String[] parts = named.split("\\.", 2);
            assertThat(tests.getOrDefault(parts[0], Set.of())).as(named).contains(parts[1]);
          }
        });
  }

  @Test
  void everyAttackHasAnOutcomeAndATestOrIsOutOfScopeForAReason() throws IOException {
    assertThat(rows())
        .allSatisfy(row -> {
          assertThat(row.outcome()).as(row.attack()).matches("(held|limit|found|out of scope).*");
          assertThat(row.named().isEmpty()).as(row.attack()).isEqualTo(row.isOutOfScope());
          assertThat(row.tests()).as(row.attack()).isNotBlank();
          assertThat(NAMED.matcher(row.tests()).replaceAll("").replaceAll("[,; ]", ""))
              .as("nothing else where tests are named: %s", row.attack())
              .matches(text -> text.isEmpty() || row.isOutOfScope());
        });
  }

  @Test
  void noAttackOfTheSuiteIsMissingOnThePage() throws IOException {
    Set<String> named = new TreeSet<>();
    rows().forEach(row -> named.addAll(row.named()));
    Set<String> missing = new TreeSet<>();
    testsIn(Places.root().resolve("tests"))
        .forEach((name, methods) -> {
          if (SUITE.matcher(name).matches()) {
            methods.stream().map(method -> name + "." + method).forEach(missing::add);
          }
        });
    assertThat(missing).hasSizeGreaterThan(80);
    missing.removeAll(named);
    assertThat(missing).isEmpty();
  }
}
