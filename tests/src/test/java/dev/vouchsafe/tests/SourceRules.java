package dev.vouchsafe.tests;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** The rules that the text of the sources is held against. */
final class SourceRules {
  /** What is built, fetched or kept by a tool: not sources. ({@code .git} can be a file.) */
  private static final Set<String> NOT_SOURCES =
      Set.of("target", ".git", ".build", ".idea", ".vscode", ".cifuzz-corpus");

  private static final int LONGEST_FILE = 600;

  /** One text of the repository, its path with {@code /} and relative to the root. */
  record Source(String path, List<String> lines) {
    boolean isJava() {
      return path.endsWith(".java");
    }

    boolean isCode() {
      return isJava() || path.endsWith(".c") || path.endsWith(".h");
    }

    boolean isJavaTest() {
      return isJava() && path.contains("/src/test/");
    }
  }

  /**
   * A rule: nothing in a file that it is for may match.
   *
   * @param name what a failed test shows
   * @param applies which files it is for
   * @param forbidden what no line may contain
   */
  record Rule(String name, Predicate<Source> applies, Pattern forbidden) {
    /** Each break as {@code path:line: text}. */
    List<String> brokenBy(Source source) {
      List<String> broken = new ArrayList<>();
      if (applies.test(source)) {
        for (int i = 0; i < source.lines().size(); i++) {
          if (forbidden.matcher(source.lines().get(i)).find()) {
            broken.add(source.path() + ":" + (i + 1) + ": " + source.lines().get(i).strip());
          }
        }
      }
      return broken;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private SourceRules() {}

  /** Patterns are put together from pieces, so that this file doesn't break what it says. */
  static List<Rule> rules() {
    Predicate<Source> all = source -> true;
    return List.of(
        new Rule(
            "a test waits for a condition and never sleeps",
            Source::isJavaTest,
            Pattern.compile("Thread\\.sle" + "ep\\(|TimeUnit\\.[A-Z]+\\.sle" + "ep\\(")),
        new Rule(
            "nothing is put off in a comment",
            Source::isCode,
            Pattern.compile("\\b(TO" + "DO|FIX" + "ME|X" + "XX)\\b")),
        new Rule("no test is switched off", Source::isJava, Pattern.compile("@Dis" + "abled")),
        new Rule("no mocks", Source::isJava, Pattern.compile("import .*\\.moc" + "kito\\.")),
        new Rule(
            "letters change their case without the machine's locale",
            Source::isJava,
            Pattern.compile("\\.to(Lower|Upper)Case\\(" + "\\)")),
        new Rule(
            "no path of the machine that it was written on",
            all,
            Pattern.compile("(^|[\\s\"'=(:])/(root|wo" + "rk|home/[a-z]+|tmp/wt)/")),
        new Rule(
            "no package registry is named",
            all,
            Pattern.compile(
                "(?i)\\b(arti"
                    + "factory|jf"
                    + "rog|sona"
                    + "type)\\b|<mir"
                    + "ror>|\"resol"
                    + "ved\":")),
        new Rule(
            "no address with a password",
            all,
            Pattern.compile("[a-z]+://[A-Za-z0-9._-]+:[^@/\\s\"]+@")),
        new Rule(
            "no private key",
            all,
            Pattern.compile("(MIG" + "HAgEAM|MH" + "cCAQEE|MII[EJ][\\w+/]{3}BADAN)[\\w+/]{20}")));
  }

  static boolean isTooLong(Source source) {
    return source.isCode() && source.lines().size() > LONGEST_FILE;
  }

  /** Every text file below the root that a person wrote. */
  static List<Source> read(Path root) throws IOException {
    List<Source> sources = new ArrayList<>();
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            return NOT_SOURCES.contains(folder.getFileName().toString())
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            if (attributes.isRegularFile()
                && !NOT_SOURCES.contains(file.getFileName().toString())) {
              readText(root, file, sources);
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return sources;
  }

  private static void readText(Path root, Path file, List<Source> sources) throws IOException {
    try {
      sources.add(new Source(root.relativize(file).toString(), Files.readAllLines(file)));
    } catch (CharacterCodingException e) {
      // Not a text: a picture, an archive, a seed of a fuzzer.
    }
  }
}
