package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.IssuanceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The errors are a published contract: docs/errors.md has every code, and no other. */
class ErrorsPageTest {
  /** A text that looks like a code. */
  private static final Pattern CODE = Pattern.compile("\"([a-z]+(?:-[a-z0-9]+)+)\"");

  /** What looks like one and is the name of a thread. */
  private static final String THREAD = "vouchsafe-";

  private static String page = "";

  @BeforeAll
  static void readThePage() throws IOException {
    page = Files.readString(root().resolve("docs/errors.md"));
  }

  private static Path root() {
    return Path.of(System.getProperty("vouchsafe.root", ".."));
  }

  private static boolean isListed(String code) {
    return page.contains("\n| `" + code + "` |");
  }

  @Test
  void everyCodeOfTheWireIsListedWithItsStatus() {
    for (Problem problem : Problem.values()) {
      assertThat(page).contains("\n| `" + problem.code() + "` | " + problem.status().code() + " |");
    }
    for (IssuanceException.Reason reason : IssuanceException.Reason.values()) {
      assertThat(page).contains("\n| `" + reason.code() + "` |");
    }
  }

  @Test
  void everyReasonAndProblemOfAttestationIsListed() throws IOException {
    TreeSet<String> codes = new TreeSet<>();
    Path sources = root().resolve("attestation/src/main/java");
    try (Stream<Path> files = Files.walk(sources)) {
      for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
        Matcher matcher = CODE.matcher(Files.readString(file));
        while (matcher.find()) {
          codes.add(matcher.group(1));
        }
      }
    }
    codes.removeIf(code -> code.startsWith(THREAD));
    assertThat(codes).hasSizeGreaterThan(20);
    assertThat(codes).allMatch(ErrorsPageTest::isListed);
  }

  @Test
  void everyCodeOfHealthAndOfTheLogIsListed() {
    assertThat(
            List.of(
                "listener-certificate",
                "device-ca",
                "key-store",
                "internal",
                "not-registered",
                "foreign-writer",
                "wrong-channel"))
        .allMatch(ErrorsPageTest::isListed);
  }
}
