package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Stars, and nothing else, stand for something else. */
class GlobTest {
  @ParameterizedTest
  @CsvSource({
    "web, web, true",
    "web, web1, false",
    "web*, web, true",
    "web*, web1, true",
    "web*, wet, false",
    "*.service, a.service, true",
    "*.service, .service, true",
    "*.service, a.service.d, false",
    "a*b*c, abc, true",
    "a*b*c, aXbYbZc, true",
    "a*b*c, aXcYb, false",
    "a.c, abc, false",
    "a?c, abc, false",
    "[ab], a, false",
    "**, anything, true",
    "'', '', true",
    "'', a, false",
    "*, '', true",
  })
  void aTextIsOneOfThoseThatAPatternStandsFor(String pattern, String text, boolean expected) {
    assertThat(Glob.matches(pattern, text)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "a*, *b, true",
    "a*, b*, false",
    "a*c, *b*, true",
    "web, we*, true",
    "web, wet*, false",
    "*x, *y, false",
    "a*b, ab, true",
    "*, '', true",
    "a, '', false",
    "*a*, *b*, true",
  })
  void twoPatternsThatHaveATextInCommonAreFound(String one, String other, boolean expected) {
    assertThat(Glob.overlap(one, other)).isEqualTo(expected);
    assertThat(Glob.overlap(other, one)).isEqualTo(expected);
  }

  @Test
  void allShortPatternsDoAsARegularExpressionWould() {
    List<String> texts = all("ab", 4);
    List<String> patterns = all("ab*", 4);
    for (String pattern : patterns) {
      Pattern regex = Pattern.compile(pattern.replace("*", ".*"));
      for (String text : texts) {
        assertThat(Glob.matches(pattern, text))
            .as(pattern + " and " + text)
            .isEqualTo(regex.matcher(text).matches());
      }
    }
  }

  @Test
  void patternsOverlapWhereATextShowsItAndOtherwiseNot() {
    List<String> texts = all("ab", 7);
    Random random = new Random(1);
    List<String> patterns = all("ab*", 3);
    for (int i = 0; i < 400; i++) {
      String one = patterns.get(random.nextInt(patterns.size()));
      String other = patterns.get(random.nextInt(patterns.size()));
      // A common text of patterns this short needs no more characters than both together.
      boolean shown = texts.stream().anyMatch(t -> Glob.matches(one, t) && Glob.matches(other, t));
      assertThat(Glob.overlap(one, other)).as(one + " and " + other).isEqualTo(shown);
    }
  }

  @Test
  void thePatternThatBreaksBacktrackersTakesNoTime() {
    String pattern = "a*".repeat(128) + "b";
    String text = "a".repeat(4096);
    long start = System.nanoTime();
    assertThat(Glob.matches(pattern, text)).isFalse();
    assertThat(Glob.overlap(pattern, "*a".repeat(128) + "c")).isFalse();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(1));
  }

  private static List<String> all(String alphabet, int longest) {
    List<String> all = new ArrayList<>(List.of(""));
    int from = 0;
    for (int length = 1; length <= longest; length++) {
      int to = all.size();
      for (int i = from; i < to; i++) {
        for (int c = 0; c < alphabet.length(); c++) {
          all.add(all.get(i) + alphabet.charAt(c));
        }
      }
      from = to;
    }
    return all;
  }
}
