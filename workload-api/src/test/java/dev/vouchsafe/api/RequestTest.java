package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationProblem;
import dev.vouchsafe.attestation.RegistrationSet;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Targets, parameters and names, as they are written and as they are meant. */
class RequestTest {
  private static Request request(String target) throws Failure {
    return new Request(HttpMethod.GET, target, new DefaultHttpHeaders(), new byte[0]);
  }

  @ParameterizedTest
  @CsvSource(
      value = {
        "/a/b|/a/b",
        "/a?b=/c|/a",
        "/?|/",
        "//a|//a",
        "http://h|/",
        "http://h/|/",
        "HTTPS://h:1/a?b|/a",
        "http://h?a=b|/",
        "http:///a|/a"
      },
      delimiter = '|')
  void thePathIsWhatComesBeforeTheQuery(String target, String path) throws Failure {
    assertThat(request(target).path()).isEqualTo(path);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "*", "a", "ftp://h/a", "http:/a", "httpx://h/a", "h:80", "?a"})
  void anythingElseIsNoTarget(String target) {
    assertThatThrownBy(() -> request(target)).isInstanceOf(Failure.class);
  }

  @ParameterizedTest
  @CsvSource(
      value = {
        "/?a=1|1",
        "/?a=1&a=2|2",
        "/?a|''",
        "/?a=|''",
        "/?aa=1|",
        "/?ba=1|",
        "/?b=a=1|",
        "/?a=b=c|b=c",
        "/?&&a=1&&|1",
        "/?=1|",
        "/?A=1|",
        "/?%61=1|",
        "/a=1|",
        "/|"
      },
      delimiter = '|')
  void theLastParameterOfANameWins(String target, String value) throws Failure {
    assertThat(request(target).parameter("a")).isEqualTo(Optional.ofNullable(value));
  }

  @ParameterizedTest
  @CsvSource({"a,a", "a%20b,a b", "a+b,a+b", "%2B,+", "%25,%", "%c3%A4,\u00e4", "%2f,/", "%24x,$x"})
  void aPercentEncodedTextIsDecodedAndAPlusIsAPlus(String text, String meant) throws Failure {
    assertThat(Percent.decode(text)).isEqualTo(meant);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"%", "%2", "a%", "a%zz", "%-1", "%+1", "%c3", "%ff", "%c0%af", "%ed%a0%80"})
  void aBrokenEscapeIsRefused(String text) {
    assertThatThrownBy(() -> Percent.decode(text)).isInstanceOf(Failure.class);
  }

  /** Registrations of those names. */
  private static RegistrationSet set(String... names) {
    return new RegistrationSet() {
      @Override
      public boolean isBuiltIn(String name) {
        return false;
      }

      @Override
      public List<Registration> all() {
        return Arrays.stream(names).map(TestHome::own).toList();
      }

      @Override
      public Optional<Registration> byName(String name) {
        return all().stream().filter(each -> each.name().equals(name)).findAny();
      }

      @Override
      public List<Registration> candidates(long uid) {
        return all();
      }

      @Override
      public List<RegistrationProblem> problems() {
        return List.of();
      }
    };
  }

  private static Optional<String> found(RegistrationSet set, String raw) throws Failure {
    return Attestation.find(set, raw).map(Registration::name);
  }

  @Test
  void aNameIsTakenLiterallyWhereItCanBe() throws Failure {
    RegistrationSet both = set("a+b", "a b", "$hub", "hub");
    assertThat(found(both, "a+b")).hasValue("a+b");
    assertThat(found(both, "a%20b")).hasValue("a b");
    assertThat(found(both, "$hub")).hasValue("$hub");
    assertThat(found(both, "%24hub")).hasValue("$hub");
    assertThat(found(both, "hub")).hasValue("hub");
  }

  @Test
  void aPlusIsASpaceAndADollarNothingOnlyWhereNoOtherNameFits() throws Failure {
    RegistrationSet spaced = set("a b", "hub", "x y+z");
    assertThat(found(spaced, "a+b")).hasValue("a b");
    assertThat(found(spaced, "a%2Bb")).as("an encoded plus is never a space").isEmpty();
    assertThat(found(spaced, "x+y%2Bz")).hasValue("x y+z");
    assertThat(found(spaced, "x+y+z")).isEmpty();
    assertThat(found(spaced, "$hub")).hasValue("hub");
    assertThat(found(spaced, "$$hub")).isEmpty();
    assertThat(found(set("$hub"), "hub")).as("never the other way").isEmpty();
    assertThat(found(spaced, "$a+b")).hasValue("a b");
  }
}
