package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * docs/cli.md and docs/configuration.md say what the program does. After a change of the commands,
 * run this with {@code -Dvouchsafe.docs=write} to write the reference anew.
 */
class DocumentationTest {
  private static final String MARK = "<!-- Below this line: written by DocumentationTest. -->\n";
  private static final Pattern ROW =
      Pattern.compile(
          "^\\| `([A-Za-z0-9-]+)` \\| (text|number|boolean|list) \\| (.+?) \\| (.+) \\|$");

  private static Path docs() {
    String root = System.getProperty("vouchsafe.root");
    return (root == null ? Path.of("..") : Path.of(root)).resolve("docs");
  }

  @Test
  void theReferenceOfTheCommandLineIsThatOfTheProgram() throws IOException {
    Path file = docs().resolve("cli.md");
    String text = Files.readString(file);
    int mark = text.indexOf(MARK);
    assertThat(mark).isPositive();
    String reference = "\n" + CliReference.of(CommandTree.whole(CommandTreeTest.console()));
    if ("write".equals(System.getProperty("vouchsafe.docs"))) {
      Files.writeString(file, text.substring(0, mark) + MARK + reference);
    }
    assertThat(Files.readString(file).substring(mark + MARK.length())).isEqualTo(reference);
  }

  @Test
  void everyExitCodeAndVariableIsInTheReference() throws IOException {
    String text = Files.readString(docs().resolve("cli.md"));
    for (ExitCode code : ExitCode.values()) {
      assertThat(text).contains("| " + code.number() + " | " + code.meaning());
    }
    assertThat(text).contains(Home.VARIABLE, "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET");
  }

  @Test
  void everyKeyOfTheConfigurationIsDocumentedWithItsDefaultAndNoOther() throws IOException {
    Map<String, List<String>> documented = new LinkedHashMap<>();
    String section = "";
    for (String line : Files.readAllLines(docs().resolve("configuration.md"))) {
      if (line.startsWith("## ")) {
        Matcher heading = Pattern.compile("^## `\\[([a-z.]+)]`$").matcher(line);
        section = heading.matches() ? heading.group(1) : "";
      }
      Matcher row = ROW.matcher(line);
      if (row.matches() && !section.isEmpty()) {
        documented.put(section + "." + row.group(1), List.of(row.group(2), row.group(3)));
      }
    }
    assertThat(documented.keySet())
        .containsExactlyElementsOf(
            Arrays.stream(ConfigurationKey.values())
                .map(key -> key.section() + "." + key.key())
                .toList());
    for (ConfigurationKey key : ConfigurationKey.values()) {
      List<String> cells = documented.getOrDefault(key.section() + "." + key.key(), List.of());
      assertThat(cells)
          .as(key.title())
          .startsWith(
              switch (key.kind()) {
                case TEXT -> "text";
                case INTEGER -> "number";
                case BOOLEAN -> "boolean";
                case LIST -> "list";
              });
      key.standard()
          .ifPresent(standard -> assertThat(cells.get(1)).as(key.title()).contains(standard));
    }
  }
}
