package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a registration file may say, and what is said of everything else. */
class ModuleTableTest {
  private static final String GOOD =
      """
      [[module]]
      name = "m"
      selectors = ["unix:uid:7"]
      """;

  private static RegistrationFile parse(String toml) {
    return RegistrationFile.parse(
        Path.of("x.toml"), toml.getBytes(StandardCharsets.UTF_8), Samples.RULES);
  }

  @Test
  void everythingThatMayBeSaidIsRead() {
    RegistrationFile file =
        parse(
            """
            [[module]]
            name       = "edgeHub"
            generation = "7"
            selectors  = ["unix:user:edgehub", "unix:path:/usr/sbin/mosquitto"]
            profiles   = ["identity", "server"]
            dns        = ["gateway.local", "*.gateway.local", "gateway.local"]
            ip         = ["192.168.1.10", "FD00:0:0::000a", "fd00::a"]
            ttl        = "1h"
            audiences  = ["hub.example"]
            channels   = ["unix", "loopback"]
            strict     = false
            spiffe     = "edge/hub"

            [[module]]
            name = "$second one"
            selectors = ["unix:uid:0"]
            """);
    assertThat(file.problems()).isEmpty();
    Registration first = file.registrations().getFirst();
    assertThat(first.selectors())
        .containsExactly(new Selector.User("edgehub"), new Selector.Path("/usr/sbin/mosquitto"));
    assertThat(first.profiles()).containsExactlyInAnyOrder("identity", "server");
    assertThat(first.dns()).containsExactly("gateway.local", "*.gateway.local");
    assertThat(first.ip()).containsExactly("192.168.1.10", "fd00::a");
    assertThat(first.ttl()).contains(Duration.ofHours(1));
    assertThat(first.spiffePath()).contains("edge/hub");
    assertThat(first.channels())
        .containsExactlyInAnyOrder(Registration.Channel.UNIX, Registration.Channel.LOOPBACK);
    Registration second = file.registrations().getLast();
    assertThat(second.generation()).isEqualTo("1");
    assertThat(second.profiles()).containsExactly("identity");
    assertThat(second.channels()).isEqualTo(Set.of(Registration.Channel.UNIX));
    assertThat(second.ttl()).isEmpty();
    assertThat(second.spiffePath()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        // What a line adds to a good module, the code, and what the message must help with.
        "`selektors = []`, unknown-key, did you mean \"selectors\"?",
        "`color = \"red\"`, unknown-key, `known: any, audiences, channels`",
        "`any = [\"unix:uid:7\"]`, wrong-type, a list of lists",
        "`any = \"unix:uid:7\"`, wrong-type, a list of lists",
        "`any = [[7]]`, wrong-type, a list of texts only",
        "`any = []`, bad-any, nobody could match",
        "`any = [[\"unix:gid:1\"], []]`, bad-any, everybody would match",
        "`any = [[\"unix:uid:8\"]]`, never-matches, list 1",
        "`any = [[\"unix:gid:8\"], [\"unix:gid:1\", \"unix:gid:2\"]]`, never-matches, list 2",
        "`any = [[\"unix:gd:8\"]]`, unknown-selector, unix:gid",
        "`not = [\"unix:uid:7\"]`, never-matches, rules it out",
        "`not = \"unix:uid:1\"`, wrong-type, a list of texts",
        "`not = [\"unix:pth:/a\"]`, unknown-selector, unix:path",
        "`any = [[\"unix:gid:8\"]]\nnot = [\"unix:gid:8\"]`, never-matches, list 1",
        "`generation = 7`, wrong-type, generation",
        "`generation = \"\"`, bad-generation, 1 to 128",
        "`generation = 1979-05-27`, wrong-type, generation",
        "`profiles = \"identity\"`, wrong-type, a list",
        "`profiles = [\"sever\"]`, unknown-profile, did you mean \"server\"?",
        "`profiles = [[\"server\"]]`, wrong-type, profiles",
        "`channels = [\"unx\"]`, unknown-channel, did you mean \"unix\"?",
        "`channels = []`, bad-channels, leave it out",
        "`dns = [\"Gateway.local\"]`, bad-dns-name, lower case",
        "`dns = [\"a_b.local\"]`, bad-dns-name, underscore",
        "`dns = [\"a..b\"]`, bad-dns-name, empty label",
        "`dns = [\"-a.b\"]`, bad-dns-name, hyphen",
        "`dns = [\"a.b.\"]`, bad-dns-name, dot at the end",
        "`dns = [\"a.*.b\"]`, bad-dns-name, wildcard",
        "`dns = [\"*\"]`, bad-dns-name, wildcard",
        "`dns = [\"**.b\"]`, bad-dns-name, wildcard",
        "`dns = [\"*.*.b\"]`, bad-dns-name, wildcard",
        "`dns = [\"\"]`, bad-dns-name, 1 to 253",
        "`dns = [\"*.\"]`, bad-dns-name, 1 to 253",
        "`dns = [\"gr\\u00fcn.local\"]`, bad-dns-name, xn--",
        "`dns = [\"g\\u0430teway\"]`, bad-dns-name, xn--",
        "`dns = [\"a b\"]`, bad-dns-name, RFC 1123",
        "`dns = [\"a\\nb\"]`, bad-dns-name, RFC 1123",
        "`dns = [\"a\\u0000\"]`, bad-dns-name, RFC 1123",
        "`dns = [\"192.168.1.1\"]`, bad-dns-name, belongs in \"ip\"",
        "`dns = [1]`, wrong-type, dns",
        "`ip = [\"192.168.1\"]`, bad-ip, neither",
        "`ip = [\"192.168.01.1\"]`, bad-ip, neither",
        "`ip = [\"192.168.1.256\"]`, bad-ip, neither",
        "`ip = [\"192.168.1.0/24\"]`, bad-ip, prefix",
        "`ip = [\"fe80::1%eth0\"]`, bad-ip, zone",
        "`ip = [\"[fd00::1]\"]`, bad-ip, brackets",
        "`ip = [\"fd00:::1\"]`, bad-ip, neither",
        "`ip = [\"::ffff:1.2.3.4\"]`, bad-ip, 1.2.3.4",
        "`ip = [\"0.0.0.0\"]`, bad-ip, one host",
        "`ip = [\"ff02::1\"]`, bad-ip, one host",
        "`ip = [\"localhost\"]`, bad-ip, neither",
        "`ttl = \"0s\"`, bad-ttl, 90s",
        "`ttl = \"-1h\"`, bad-ttl, 90s",
        "`ttl = \"1w\"`, bad-ttl, 90s",
        "`ttl = \"1h30m\"`, bad-ttl, 90s",
        "`ttl = 3600`, wrong-type, ttl",
        "`ttl = \"9999999999d\"`, bad-ttl, 90s",
        "`audiences = [\"\"]`, bad-audience, 1 to",
        "`audiences = [\"a\\tb\"]`, bad-audience, control",
        "`strict = \"yes\"`, wrong-type, true or false",
        "`spiffe = \"/a\"`, bad-spiffe, leading slash",
        "`spiffe = \"spiffe://td/a\"`, bad-spiffe, path alone",
        "`spiffe = \"a//b\"`, bad-spiffe, segments",
        "`spiffe = \"a/../b\"`, bad-spiffe, segments",
        "`spiffe = \".\"`, bad-spiffe, segments",
        "`spiffe = \"a/\"`, bad-spiffe, segments",
        "`spiffe = \"a%2fb\"`, bad-spiffe, segments",
        "`spiffe = \"\"`, bad-spiffe, segments",
        "`name = \"again\"`, syntax, Duplicate",
        "`[[module.x]]`, unknown-key, x",
        "`[modul]`, unknown-key, did you mean \"module\"?",
        "`name.x = 1`, syntax, line",
      })
  void aMistakeIsNamedWithWhatToWriteInstead(String line, String code, String help) {
    RegistrationFile file = parse(GOOD + line + "\n");
    assertThat(file.registrations()).isEmpty();
    assertThat(file.problems())
        .singleElement()
        .satisfies(p -> {
          assertThat(p.code()).isEqualTo(code);
          assertThat(p.message()).contains(help);
          assertThat(p.file()).isEqualTo(Path.of("x.toml"));
        });
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "unix:uid:-1, bad-selector, decimal",
        "unix:uid:007, bad-selector, decimal",
        "unix:uid:4294967295, bad-selector, decimal",
        "unix:uid:root, bad-selector, decimal",
        "unix:user:1000, bad-selector, unix:uid:1000",
        "unix:user:, bad-selector, account",
        "`unix:user:a b`, bad-selector, account",
        "unix:group:a:b, bad-selector, account",
        "unix:supplementary-group:4294967295, bad-selector, decimal",
        "unix:path:bin/x, bad-selector, starts with /",
        "unix:path:/, bad-selector, path of a file",
        "unix:path:/a/../b, bad-selector, //",
        "unix:path:/a//b, bad-selector, //",
        "unix:sha256:abc, bad-selector, 64",
        "unix:pth:/a, unknown-selector, did you mean \"unix:path\"?",
        "systemd:unt:a.service, unknown-selector, systemd:unit",
        "container:nam:a, unknown-selector, container:name",
        "unix, unknown-selector, type:key:value",
        "unix:uid, unknown-selector, type:key:value",
        "::, unknown-selector, type:key:value",
        "unix:path:/usr/bin/curl, weak-registration, unix:user:",
        "unix:gid:0, weak-registration, unix:user:",
      })
  void aSelectorThatCantBeIsNamedWithWhatToWriteInstead(String text, String code, String help) {
    RegistrationFile file = parse("[[module]]\nname = \"m\"\nselectors = [\"" + text + "\"]\n");
    assertThat(file.problems())
        .singleElement()
        .satisfies(p -> {
          assertThat(p.code()).isEqualTo(code);
          assertThat(p.message()).contains(help).contains("number 1 (\"m\")");
        });
  }

  @Test
  void aHashInUpperCaseIsSaidToBeThat() {
    RegistrationFile file =
        parse("[[module]]\nname = \"m\"\nselectors = [\"unix:sha256:" + "AB".repeat(32) + "\"]\n");
    assertThat(file.problems().getFirst().message()).contains("lower case");
  }

  @Test
  void aNameIsMadeOfItsCharactersOnly() {
    for (String name :
        List.of("", "x".repeat(129), "a/b", "a\\\\b", "a\\nb", "a\\u0000b", "\\u0430")) {
      RegistrationFile file =
          parse("[[module]]\nname = \"" + name + "\"\nselectors = [\"unix:uid:7\"]\n");
      assertThat(file.problems()).extracting(RegistrationProblem::code).containsExactly("bad-name");
    }
  }

  @Test
  void oneBadTableRejectsTheWholeFile() {
    RegistrationFile file = parse(GOOD + "[[module]]\nname = \"n\"\n");
    assertThat(file.registrations()).isEmpty();
    assertThat(file.problems())
        .singleElement()
        .satisfies(p -> assertThat(p.message()).contains("number 2 (\"n\")", "selectors"));
  }

  @Test
  void aNameOrSpiffePathTwiceInAFileIsAnError() {
    assertThat(parse(GOOD + GOOD).problems())
        .extracting(RegistrationProblem::code)
        .containsExactly("duplicate-name");
    String clash = "[[module]]\nname = \"$m\"\nselectors = [\"unix:uid:7\"]\n";
    assertThat(parse(GOOD + clash).problems())
        .extracting(RegistrationProblem::code)
        .containsExactly("duplicate-spiffe");
  }

  @Test
  void whatIsNotAFileOfModulesIsRefusedWhole() {
    assertThat(parse("[module]\nname = \"m\"\n").problems())
        .extracting(RegistrationProblem::code)
        .containsExactly("wrong-type");
    assertThat(parse("module = [1]\n").problems())
        .extracting(RegistrationProblem::code)
        .containsExactly("wrong-type");
    assertThat(parse("").problems()).isEmpty();
    byte[] notUtf8 = {'#', (byte) 0xff};
    assertThat(RegistrationFile.parse(Path.of("x"), notUtf8, Samples.RULES).problems())
        .extracting(RegistrationProblem::code)
        .containsExactly("syntax");
  }

  @Test
  void bombsAreRefusedSoon() {
    List<String> bombs =
        List.of(
            "a = " + "[".repeat(500_000),
            "a." + "b.".repeat(300_000) + "c = 1",
            "[" + "b.".repeat(300_000) + "c]",
            "a = " + "9".repeat(1_000_000),
            "a = \"" + "x".repeat(1_000_000) + "\"",
            "a = " + "{a=".repeat(100_000),
            "a = 1e999999999",
            "#".repeat(RegistrationFile.LARGEST + 1),
            "[[module]]\n".repeat(20_000));
    for (String bomb : bombs) {
      long start = System.nanoTime();
      assertThat(parse(bomb).problems()).isNotEmpty();
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    }
  }

  @Test
  void tenThousandModulesInAFileAreFine() {
    StringBuilder toml = new StringBuilder();
    for (int i = 0; i < RegistrationFile.MOST_MODULES; i++) {
      toml.append("[[module]]\nname=\"m").append(i).append("\"\nselectors=[\"unix:uid:7\"]\n");
    }
    assertThat(parse(toml.toString()).registrations()).hasSize(RegistrationFile.MOST_MODULES);
  }

  @Test
  void whatAMessageQuotesCantForgeALogLine() {
    String message =
        parse(GOOD + "\"a\\n\\u001b[31m\\u202e\" = 1\n").problems().getFirst().message();
    assertThat(message).contains("\\u000a\\u001b[31m\\u202e");
    assertThat(message.chars()).allMatch(c -> c >= ' ');
  }
}
