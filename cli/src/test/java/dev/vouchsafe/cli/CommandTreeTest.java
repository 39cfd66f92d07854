package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

class CommandTreeTest {
  static Console console() {
    PrintStream nowhere =
        new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8);
    return new Console(
        InputStream.nullInputStream(), nowhere, nowhere, Map.of(), InstantSource.fixed(CliRun.NOW));
  }

  static Stream<List<String>> everyCommand() {
    return CliReference.below(CommandTree.whole(console())).stream()
        .map(line ->
            List.of(line.getCommandSpec().qualifiedName().split(" "))
                .subList(1, line.getCommandSpec().qualifiedName().split(" ").length));
  }

  @ParameterizedTest
  @MethodSource("everyCommand")
  void everyCommandTeachesHowItIsUsed(List<String> words) {
    String[] args = Stream.concat(words.stream(), Stream.of("--help")).toArray(String[]::new);
    CliRun.Ended ended = CliRun.plain().run(args);
    assertThat(ended.code()).isZero();
    assertThat(ended.err()).isEmpty();
    assertThat(ended.out())
        .contains("Usage: vouchsafe " + String.join(" ", words))
        .contains("--home")
        .contains("Exit codes:")
        .contains("unavailable now");
  }

  @Test
  void everyCommandHasExamplesAndEveryArgumentAMeaning() {
    for (CommandLine line : CliReference.below(CommandTree.whole(console()))) {
      CommandSpec spec = line.getCommandSpec();
      assertThat(spec.usageMessage().description()).as(spec.qualifiedName()).isNotEmpty();
      assertThat(String.join("\n", spec.usageMessage().footer()))
          .as(spec.qualifiedName())
          .contains(spec.qualifiedName());
      // What is broken in two by the help can't be copied from it.
      assertThat(spec.usageMessage().footer())
          .as(spec.qualifiedName())
          .allMatch(example -> example.length() <= spec.usageMessage().width());
      spec.args()
          .forEach(argument ->
              assertThat(argument.description())
                  .as(spec.qualifiedName() + " " + argument)
                  .isNotEmpty());
    }
  }

  @Test
  void theHelpOffersWhatThisVersionHasAndNothingElse() {
    assertThat(CommandTree.whole(console()).getSubcommands().keySet())
        .containsExactly(
            "demo",
            "init",
            "serve",
            "check",
            "module",
            "fetch",
            "token",
            "cert",
            "bundle",
            "ca",
            "clock",
            "audit",
            "backup",
            "restore",
            "completion");
    assertThat(CliRun.plain().run("token", "--help").out()).doesNotContain("join");
  }

  @Test
  void theExitCodesOfTheHelpAreThoseOfTheProgram() {
    assertThat(CommandTree.whole(console()).getCommandSpec().usageMessage().exitCodeList())
        .containsExactlyEntriesOf(meanings());
  }

  private static Map<String, String> meanings() {
    Map<String, String> meanings = new LinkedHashMap<>();
    for (ExitCode code : ExitCode.values()) {
      meanings.put(String.valueOf(code.number()), code.meaning());
    }
    return meanings;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "frobnicate",
        "init --frob",
        "module",
        "module frob",
        "module add web",
        "module show",
        "cert",
        "ca",
        "bundle",
        "fetch",
        "check -o xml",
        "bundle export --format jks",
        "completion fish",
        "init extra",
        "--home",
        "--home --verbose check",
        "init --key-store paper",
        "init --root parent",
        "init --config f --device-id x"
      })
  void aWrongCommandLineEndsWith2AndOneLine(String words) {
    CliRun.Ended ended = CliRun.plain().with(Home.VARIABLE, "/nonexistent/home").run(split(words));
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.out()).isEmpty();
    assertThat(ended.err()).startsWith("vouchsafe: ").hasLineCount(1);
  }

  private static String[] split(String words) {
    return words.isEmpty() ? new String[0] : words.split(" ", -1);
  }

  @Test
  void aMistypedCommandIsGuessed() {
    assertThat(CliRun.plain().run("modul").err()).contains("did you mean").contains("module");
  }

  @Test
  void theNameOfAHomeMayBeTheNameOfACommand() {
    CliRun.Ended ended = CliRun.plain().run("--home", "demo", "module", "list");
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.err()).contains("demo/registrations.d");
  }

  @Test
  void theVersionIsThatOfTheBuild() {
    CliRun.Ended ended = CliRun.plain().run("--version");
    assertThat(ended.code()).isZero();
    assertThat(ended.out()).matches("(?s)vouchsafe \\d+\\.\\d+\\.\\d+.*\nJava 2[5-9].*\n");
    assertThat(new BuildInfo().madeAt()).isBefore(CliRun.NOW);
  }

  @Test
  void outputThatCannotBeWrittenIsAFailure() {
    PrintStream broken =
        new PrintStream(
            new OutputStream() {
              @Override
              public void write(int octet) throws IOException {
                throw new IOException("full");
              }
            },
            true,
            StandardCharsets.UTF_8);
    Console console =
        new Console(
            InputStream.nullInputStream(),
            broken,
            console().err(),
            Map.of(),
            InstantSource.fixed(CliRun.NOW));
    assertThat(Main.run(new String[] {"--version"}, console)).isEqualTo(1);
  }
}
