package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The texts that a profile is made of: its name, its purposes, the parts of its subject. */
class ProfileTextsTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "CN=x",
        "CN={module}",
        "O={name}",
        "O=",
        "O",
        "X=y",
        "cn={name}",
        "C=de",
        "C={module}",
        "serialNumber={module}",
        "O={environment}",
        "O=\u0007",
        "O=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      })
  void aBrokenPartOfASubjectIsRefused(String part) {
    ProfileException refused =
        catchThrowableOfType(
            ProfileException.class, () -> SubjectTemplate.parse(List.of("CN={name}", part)));
    assertThat(refused).isNotNull();
    assertThat(refused.key()).isEqualTo("subject");
  }

  @Test
  void aSubjectWithoutItsCommonNameOrWithAnAttributeTwiceIsRefused() throws Exception {
    for (List<String> parts :
        List.of(
            List.<String>of(),
            List.of("O=a"),
            List.of("CN={name}", "CN={name}"),
            List.of("O=a", "O=b", "CN={name}"))) {
      assertThat(catchThrowableOfType(ProfileException.class, () -> SubjectTemplate.parse(parts)))
          .isNotNull();
    }
    assertThat(SubjectTemplate.parse(List.of("OU=a", "OU=b", "CN={name}")).parts()).hasSize(3);
  }

  @Test
  void aPurposeIsANameOrAnObjectIdentifier() throws Exception {
    assertThat(Profiles.purpose("clientAuth")).isEqualTo(LeafProfile.CLIENT_AUTH);
    assertThat(Profiles.purpose("OCSPSigning")).isEqualTo("1.3.6.1.5.5.7.3.9");
    assertThat(Profiles.purpose("2.999.1")).isEqualTo("2.999.1");
    for (String bad :
        List.of("", "clientauth", "1", "3.1.1", "1.40.1", "1.2.03", "1.2.", "1.2.-1")) {
      assertThat(catchThrowableOfType(ProfileException.class, () -> Profiles.purpose(bad)))
          .as(bad)
          .isNotNull();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "A", "1a", "-a", "a_b", "a.b", "a/b", "abcdefghijklmnopqrstuvwxyz1234567"})
  void aNameThatNoProfileCanHaveIsNone(String text) {
    assertThat(Profile.parse(text)).isEmpty();
  }
}
