package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.vouchsafe.ca.AuthorityProfile;
import dev.vouchsafe.ca.LeafProfile;
import dev.vouchsafe.ca.Profile;
import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The sections {@code [profiles.NAME]} of vouchsafe.toml. */
class ProfileConfigurationTest {
  private static final String HEAD =
      """
      [gateway]
      device-id = "gw"
      trust-domain = "gw.internal"
      layer = 2
      """;

  @TempDir private Path folder;

  private Configuration parse(String profiles) throws ConfigurationException {
    Home home = Home.at(folder);
    return ConfigurationFile.parse(HEAD + profiles, home.configuration(), home);
  }

  @Test
  void aProfileSaysEverythingThatItsKeysSay() throws ConfigurationException {
    Configuration read =
        parse(
            """
            [profiles.everything]
            kind = "leaf"
            keyTypes = ["rsa-3072", "ec-p384"]
            lifetime = "12h"
            lifetimeCap = "7d"
            keyUsage = ["digitalSignature"]
            extendedKeyUsage = ["clientAuth", "1.3.6.1.5.5.7.3.21"]
            subject = ["O=Plant 7", "CN={name}"]
            commonName = "name"
            names = ["ip"]
            nameRequired = true
            signedBy = "device"
            [profiles.plant-ca]
            kind = "authority"
            keyTypes = ["ec-p384"]
            lifetime = "30d"
            pathLength = 2
            nameConstraints = "non-critical"
            """);
    LeafProfile leaf = read.profiles().leaf(new Profile("everything")).orElseThrow();
    assertThat(leaf.keyTypes()).containsExactly(KeyType.RSA_3072, KeyType.EC_P384);
    assertThat(leaf.lifetime()).isEqualTo(Duration.ofHours(12));
    assertThat(leaf.cap()).isEqualTo(Duration.ofDays(7));
    assertThat(leaf.usages()).containsExactly(LeafProfile.Usage.DIGITAL_SIGNATURE);
    assertThat(leaf.purposes()).containsExactly(LeafProfile.CLIENT_AUTH, "1.3.6.1.5.5.7.3.21");
    assertThat(leaf.subject().parts()).hasSize(2);
    assertThat(leaf.named()).isEqualTo(LeafProfile.CommonName.NAME);
    assertThat(leaf.names()).containsExactly(LeafProfile.NameKind.IP);
    assertThat(leaf.nameRequired()).isTrue();
    assertThat(read.issuing().byDevice()).containsExactly(leaf.name());
    assertThat(read.profiles().authority(new Profile("plant-ca")))
        .contains(
            new AuthorityProfile(
                new Profile("plant-ca"),
                List.of(KeyType.EC_P384),
                Duration.ofDays(30),
                2,
                AuthorityProfile.Constraints.NON_CRITICAL));
  }

  @Test
  void whatIsNotSaidIsAsInTheBuiltInProfileWhateverTheOrder() throws ConfigurationException {
    Configuration read =
        parse(
            """
            [profiles.identity]
            lifetime = "5m"
            keyTypes = ["ec-p256"]
            [profiles.mqtt]
            extendedKeyUsage = ["clientAuth"]
            lifetimeCap = "30m"
            """);
    LeafProfile mqtt = read.profiles().leaf(new Profile("mqtt")).orElseThrow();
    assertThat(mqtt.lifetime()).isEqualTo(Duration.ofMinutes(30));
    assertThat(mqtt.keyTypes()).containsExactly(KeyType.values());
    assertThat(read.profiles().leaf(Profile.IDENTITY).orElseThrow().lifetime())
        .isEqualTo(Duration.ofMinutes(5));
    assertThat(read.profiles().leaves())
        .isEqualTo(
            Set.of(Profile.IDENTITY, Profile.SERVER, Profile.DEVICE_LEAF, new Profile("mqtt")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ca = true | 6 | unknown key [profiles.x] ca; a leaf is never a CA",
        "basicConstraints = 'CA:TRUE' | 6 | a leaf is never a CA",
        "pathLength = 0 | 6 | pathLength is for kind = \"authority\" only: a leaf is never a CA",
        "keyUsage = ['keyCertSign'] | 6 | must be some of digitalSignature",
        "keyUsage = ['digitalSignature', 'cRLSign'] | 6 | and not \"cRLSign\"",
        "keyUsage = 'digitalSignature' | 6 | must be a list of texts",
        "keyUsage = [1] | 6 | must be a list of texts",
        "keyUsage = [] | 6 | nothing that it can be used for",
        "extendedKeyUsage = ['anyExtendedKeyUsage'] | 6 | anyExtendedKeyUsage, which no leaf gets",
        "extendedKeyUsage = ['2.5.29.37.0'] | 6 | anyExtendedKeyUsage, which no leaf gets",
        "extendedKeyUsage = ['OCSPSigning'] | 6 | OCSPSigning, which no leaf gets",
        "extendedKeyUsage = ['1.3.6.1.5.5.7.3.9'] | 6 | OCSPSigning, which no leaf gets",
        "extendedKeyUsage = ['frobnicate'] | 6 | known are clientAuth",
        "extendedKeyUsage = [] | 6 | good for all",
        "lifetimeCap = '731d' | 6 | is over [lifetimes] device-ca",
        "lifetimeCap = '30' | 6 | must be a number and one of s m h d",
        "lifetime = '31d' | 6 | lifetimeCap of the profile",
        "keyTypes = ['rsa-1024'] | 6 | must be some of ec-p256",
        "keyTypes = ['ec-p256', 'ec-p256'] | 6 | each once",
        "subject = ['O=x'] | 6 | \"CN={name}\"",
        "subject = ['CN={module}'] | 6 | nothing else as CN",
        "commonName = 'name' | 6 | only together with nameRequired",
        "nameRequired = 'yes' | 6 | must be true or false",
        "kind = 'ca' | 6 | must be \"leaf\" or \"authority\"",
        "signedBy = 'root' | 6 | must be \"issuing\" or \"device\"",
        "signed-by = 'device' | 6 | nearest known: signedBy",
      })
  void aBrokenProfileStopsTheStartWithFileLineKeyAndWhatIsAllowed(
      String line, int number, String message) {
    String needed =
        line.startsWith("extendedKeyUsage") ? "" : "extendedKeyUsage = ['clientAuth']\n";
    assertThatThrownBy(() ->
            parse("[profiles.x]\n" + line.replace('\'', '"') + "\n" + needed.replace('\'', '"')))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("vouchsafe.toml, line " + number + ": ")
        .hasMessageContaining("[profiles.x] ")
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "plant-ca | pathLength = 4 | pathLength is 0 to 3",
        "plant-ca | pathLength = -1 | must be a whole number",
        "plant-ca | names = ['dns'] | is for leaves only",
        "plant-ca | keyUsage = ['digitalSignature'] | is for leaves only",
        "plant-ca | lifetime = '731d' | no CA outlives its issuer",
        "plant-ca | nameConstraints = 'yes' | must be one of critical, non-critical, none",
        "identity | lifetime = '1h' | kind can't be \"authority\" in identity",
      })
  void aBrokenProfileOfCasStopsTheStart(String name, String line, String message) {
    assertThatThrownBy(() ->
            parse("[profiles." + name + "]\nkind = \"authority\"\n" + line.replace('\'', '"')))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("vouchsafe.toml, line ")
        .hasMessageContaining(message);
  }

  @Test
  void aLeafOfTheNameOfTheCasProfileAndABadNameAreRefused() {
    assertThatThrownBy(() ->
            parse("[profiles.child-ca]\nkind = \"leaf\"\nextendedKeyUsage = [\"clientAuth\"]"))
        .hasMessageContaining("take another name");
    assertThatThrownBy(() -> parse("[profiles.Bad]\n")).hasMessageContaining("a-z 0-9 -");
    assertThatThrownBy(() -> parse("[profiles.identity]\nnames = [\"dns\"]\n"))
        .hasMessageContaining("names is fixed in identity");
  }

  @Test
  void mutatedProfilesAreReadOrRefusedAndNothingElse() {
    String good =
        """
        [profiles.everything]
        keyTypes = ["rsa-3072", "ec-p384"]
        lifetime = "12h"
        keyUsage = ["digitalSignature"]
        extendedKeyUsage = ["clientAuth", "1.3.6.1.5.5.7.3.21"]
        subject = ["O=Plant 7", "CN={name}"]
        names = ["ip"]
        [profiles.plant-ca]
        kind = "authority"
        pathLength = 2
        """;
    Random random = new Random(20261123);
    for (int round = 0; round < 3000; round++) {
      StringBuilder text = new StringBuilder(good);
      for (int change = 0; change <= random.nextInt(4); change++) {
        int at = random.nextInt(text.length());
        switch (random.nextInt(3)) {
          case 0 -> text.deleteCharAt(at);
          case 1 -> text.setCharAt(at, (char) (' ' + random.nextInt(95)));
          default -> text.insert(at, good, at % 90, at % 90 + 60);
        }
      }
      Throwable refused = catchThrowable(() -> parse(text.toString()));
      if (refused != null) {
        assertThat(refused).as(text.toString()).isInstanceOf(ConfigurationException.class);
      }
    }
  }

  @Test
  void everyKeyIsInThePageWithItsKindAndNoOther() throws IOException {
    String root = System.getProperty("vouchsafe.root");
    Path page = (root == null ? Path.of("..") : Path.of(root)).resolve("docs/profiles.md");
    Pattern row =
        Pattern.compile(
            "(?m)^\\| `([A-Za-z]+)` \\| (text|list|boolean|number) \\| (all|leaves|authorities) \\|");
    Matcher rows = row.matcher(Files.readString(page));
    for (ProfileKey key : ProfileKey.values()) {
      assertThat(rows.find()).isTrue();
      assertThat(rows.group(1)).isEqualTo(key.text());
      assertThat(rows.group(2))
          .isEqualTo(
              switch (key.kind()) {
                case TEXT -> "text";
                case LIST -> "list";
                case BOOLEAN -> "boolean";
                case INTEGER -> "number";
              });
      String of = key.fits(true) ? (key.fits(false) ? "all" : "leaves") : "authorities";
      assertThat(rows.group(3)).isEqualTo(of);
    }
    assertThat(rows.find()).isFalse();
  }

  @Test
  void theExampleInThePageIsTaken() throws Exception {
    String root = System.getProperty("vouchsafe.root");
    Path page = (root == null ? Path.of("..") : Path.of(root)).resolve("docs/profiles.md");
    Matcher example =
        Pattern.compile("```toml\\n(\\[profiles.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(page));
    assertThat(example.find()).isTrue();
    assertThat(parse(example.group(1)).profiles().leaves()).contains(new Profile("mqtt-client"));
  }
}
