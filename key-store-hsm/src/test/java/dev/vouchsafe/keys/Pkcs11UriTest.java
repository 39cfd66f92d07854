package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class Pkcs11UriTest {
  private static final String REST = "?module-path=/lib/p11.so&pin-source=file:/etc/pin";

  /** Valid ones, for mutations. */
  static final List<String> SEEDS =
      List.of(
          "pkcs11:token=gateway;object=vouchsafe?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/vouchsafe/pin",
          "pkcs11:serial=0123abcd;manufacturer=A%20B;model=v2;slot-id=42;type=private;id=%01%ff"
              + "?pin-source=/run/p%C3%A4n&module-path=/opt/x%2By.so",
          "pkcs11:token=%F0%9F%94%91" + REST);

  private static Pkcs11Uri parse(String path) {
    return Pkcs11Uri.parse("pkcs11:" + path + REST);
  }

  private static void refused(String uri, String... words) {
    assertThatThrownBy(() -> Pkcs11Uri.parse(uri))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(words)
        .hasNoCause();
  }

  @Test
  void everyAttributeThatWeTakeIsRead() {
    Pkcs11Uri uri =
        Pkcs11Uri.parse(
            "pkcs11:token=my%20token;serial=12%2F3;manufacturer=Acme+Co.;model=v2;slot-id=42;"
                + "object=edge;type=private?module-path=/opt/a%2Fb.so&pin-source=file:/etc/pin");
    assertThat(uri)
        .isEqualTo(
            new Pkcs11Uri(
                Optional.of("my token"),
                Optional.of("12/3"),
                Optional.of("Acme+Co."),
                Optional.of("v2"),
                OptionalLong.of(42),
                "edge",
                Path.of("/opt/a/b.so"),
                Path.of("/etc/pin")));
  }

  @Test
  void theSerialAloneNamesATokenAndTheObjectHasADefault() {
    Pkcs11Uri uri = parse("serial=00ff");
    assertThat(uri.token()).isEmpty();
    assertThat(uri.serial()).contains("00ff");
    assertThat(uri.object()).isEqualTo("vouchsafe");
  }

  @Test
  void anIdIsWrittenInHexadecimalDigits() {
    assertThat(parse("token=a;id=%01%FFA").object()).isEqualTo("01ff41");
  }

  @ParameterizedTest
  @ValueSource(strings = {"file:/etc/pin", "file:///etc/pin", "/etc/pin", "file%3A%2Fetc%2Fpin"})
  void aPinFileIsAnAbsolutePathOrAFileUri(String source) {
    assertThat(
            Pkcs11Uri.parse("pkcs11:token=a?module-path=/lib/p11.so&pin-source=" + source)
                .pinSource())
        .isEqualTo(Path.of("/etc/pin"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "etc/pin",
        "file:etc/pin",
        "file://host/etc/pin",
        "file:",
        "//host/etc/pin",
        "file:////etc/pin",
        "http:/etc/pin",
        "1234"
      })
  void aPinSourceThatIsNoAbsolutePathIsRefusedAndNotShown(String source) {
    refused(
        "pkcs11:token=a?module-path=/lib/p11.so&pin-source=" + source,
        "pin-source",
        "absolute path");
    assertThatThrownBy(
            () -> Pkcs11Uri.parse("pkcs11:token=a?module-path=/p.so&pin-source=" + source))
        .message()
        .doesNotContain("1234");
  }

  @Test
  void aCommandAsPinSourceIsRefusedWithTheReason() {
    refused("pkcs11:token=a?module-path=/p.so&pin-source=|cat", "pin-source", "command", "not run");
    refused("pkcs11:token=a?module-path=/p.so&pin-source=%7Ccat", "pin-source", "command");
  }

  @Test
  void aPinInTheUriIsRefusedAndNotShown() {
    refused("pkcs11:token=a" + REST + "&pin-value=geheim", "pin-value", "pin-source");
    assertThatThrownBy(() -> Pkcs11Uri.parse("pkcs11:token=a" + REST + "&pin-value=geheim"))
        .message()
        .doesNotContain("geheim");
    assertThatThrownBy(() -> Pkcs11Uri.parse("pkcs11:token=a" + REST + "&pin-value=ge heim"))
        .message()
        .doesNotContain("heim");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      value = {
        "pkcs11:?module-path=/p.so&pin-source=/pin token",
        "pkcs11:object=a?module-path=/p.so&pin-source=/pin serial",
        "pkcs11:token=a?pin-source=/pin module-path",
        "pkcs11:token=a?module-path=/p.so pin-source",
        "pkcs11:token=a module-path",
        "pkcs11:token=a?module-path=p.so&pin-source=/pin module-path",
        "pkcs11:token=a?module-name=p&pin-source=/pin module-name",
        "pkcs11:token=a;token=b?module-path=/p.so&pin-source=/pin twice",
        "pkcs11:token=a?module-path=/p.so&pin-source=/pin&pin-source=/pin twice",
        "pkcs11:token=a;library-version=3?module-path=/p.so&pin-source=/pin library-version",
        "pkcs11:token=a;x-vendor=3?module-path=/p.so&pin-source=/pin x-vendor",
        "pkcs11:token=a?module-path=/p.so&pin-source=/pin&x-v=1 x-v",
        "pkcs11:token=a;pin-source=/pin?module-path=/p.so pin-source",
        "pkcs11:token=a;type=public?module-path=/p.so&pin-source=/pin type",
        "pkcs11:token=a;slot-id=1a?module-path=/p.so&pin-source=/pin slot-id",
        "pkcs11:token=a;slot-id=9999999999999999999?module-path=/p.so&pin-source=/pin slot-id",
        "pkcs11:token=?module-path=/p.so&pin-source=/pin token",
        "pkcs11:token=%4?module-path=/p.so&pin-source=/pin token",
        "pkcs11:token=%-1?module-path=/p.so&pin-source=/pin token",
        "pkcs11:token=%ff?module-path=/p.so&pin-source=/pin UTF-8",
        "pkcs11:token=%c0%80?module-path=/p.so&pin-source=/pin UTF-8",
        "pkcs11:token=%ed%a0%80?module-path=/p.so&pin-source=/pin UTF-8",
        "pkcs11:token=%00?module-path=/p.so&pin-source=/pin control",
        "pkcs11:token=a?module-path=/p%00.so&pin-source=/pin control",
        "pkcs11:token=a?module-path=/p.so&pin-source=/p%0a control",
        "pkcs11:token=ä?module-path=/p.so&pin-source=/pin token",
        "pkcs11:token=a/b?module-path=/p.so&pin-source=/pin token",
        "pkcs11:token=a;object=b;id=c?module-path=/p.so&pin-source=/pin object",
        "pkcs11:token=a;?module-path=/p.so&pin-source=/pin attributes",
        "pkcs11:token=a;;serial=b?module-path=/p.so&pin-source=/pin attributes",
        "pkcs11:token=a?module-path=/p.so&pin-source=/pin& attributes",
        "pkcs11:token=a?module-path=/p.so&pin-source=file:/p%2541 %",
        "PKCS11:token=a?module-path=/p.so&pin-source=/pin pkcs11:",
        "file:/etc/pin pkcs11:",
      })
  void whatIsMissingTwiceOrOddIsRefusedByItsName(String uri, String name) {
    refused(uri, name);
  }

  @Test
  void whatIsTooLongForATokenIsRefused() {
    refused("pkcs11:token=" + "a".repeat(33) + REST, "token", "32");
    refused("pkcs11:token=" + "%C3%A4".repeat(17) + REST, "token", "32");
    refused("pkcs11:serial=" + "a".repeat(17) + REST, "serial", "16");
    refused("pkcs11:token=a;object=" + "a".repeat(65) + REST, "object", "64");
    refused("pkcs11:token=a;id=" + "a".repeat(33) + REST, "id", "32");
    refused("pkcs11:token=a?module-path=/" + "a".repeat(4096) + "&pin-source=/p", "4096");
    assertThat(parse("token=" + "%C3%A4".repeat(16)).token()).contains("ä".repeat(16));
  }

  @Test
  void aRecordThatWasPutTogetherByHandKeepsTheRules() {
    Path here = Path.of("here");
    Path file = Path.of("/file");
    Optional<String> none = Optional.empty();
    Optional<String> some = Optional.of("some");
    assertThatThrownBy(
            () -> new Pkcs11Uri(none, none, none, none, OptionalLong.empty(), "a", file, file))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> new Pkcs11Uri(some, none, none, none, OptionalLong.empty(), "a", here, file))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** Read, and then within all limits; or refused without an echo of what may be a secret. */
  static boolean check(String text) {
    try {
      Pkcs11Uri uri = Pkcs11Uri.parse(text);
      assertThat(uri.token().or(uri::serial)).isPresent();
      assertThat(uri.modulePath()).isAbsolute();
      assertThat(uri.pinSource()).isAbsolute();
      assertThat(uri.object()).hasSizeBetween(1, 64);
      assertThat(text).startsWith("pkcs11:").hasSizeLessThanOrEqualTo(4096);
      assertThat(text.substring(text.indexOf('?') + 1).split("&", -1))
          .noneMatch(attribute -> attribute.startsWith("pin-value="));
      return true;
    } catch (IllegalArgumentException e) {
      assertThat(e.getMessage()).hasSizeLessThan(200);
      assertThat(e.getCause()).isNull();
      return false;
    }
  }

  @Test
  void mutationsAreReadOrRefusedAndNeverAnythingElse() {
    Random random = new Random(7);
    String letters = "%;&?=:/|+-a0Zé\0\uD800 pin-valuetoken";
    int read = 0;
    for (int round = 0; round < 10_000; round++) {
      StringBuilder text = new StringBuilder(SEEDS.get(round % SEEDS.size()));
      for (int i = random.nextInt(3); i >= 0; i--) {
        int at = random.nextInt(text.length());
        switch (random.nextInt(3)) {
          case 0 -> text.setCharAt(at, letters.charAt(random.nextInt(letters.length())));
          case 1 -> text.deleteCharAt(at);
          default -> text.insert(at, text.substring(at, Math.min(text.length(), at + 9)));
        }
      }
      read += check(text.toString()) ? 1 : 0;
    }
    assertThat(read).isBetween(500, 9_500);
  }
}
