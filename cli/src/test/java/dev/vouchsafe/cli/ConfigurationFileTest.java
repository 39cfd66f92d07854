package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.vouchsafe.api.ApiSettings;
import dev.vouchsafe.attestation.AttestationSettings;
import dev.vouchsafe.ca.CaSettings;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.IssuingCaSettings;
import dev.vouchsafe.ca.LedgerSettings;
import dev.vouchsafe.ca.Lifetimes;
import dev.vouchsafe.ca.Profile;
import dev.vouchsafe.ca.Profiles;
import dev.vouchsafe.ca.RevocationSettings;
import dev.vouchsafe.ca.RotationSettings;
import dev.vouchsafe.ca.TokenLifetimes;
import dev.vouchsafe.ca.clock.ClockSettings;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PcrSelection;
import dev.vouchsafe.keys.Pkcs11Uri;
import dev.vouchsafe.keys.TpmSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigurationFileTest {
  private static final String LEAST =
      """
      [gateway]
      device-id = "gw"
      trust-domain = "gw.example"
      """;
  private static final String ALL =
      LEAST
          + """
          layer = 2
          issuer = "https://gw.example:8443"
          [listen]
          workload = "/run/a.sock"
          spiffe = "/run/s.sock"
          admin = "/run/b.sock"
          https = "127.0.0.1:9443"
          [keys]
          store = "tpm"
          root-store = "root-pkcs11"
          seal = "credential:seal"
          pkcs11-uri = "pkcs11:token=gw?module-path=/lib/x.so&pin-source=file:/etc/pin"
          root-pkcs11-uri = "pkcs11:token=root?module-path=/lib/x.so&pin-source=file:/etc/pin"
          pkcs11-helper = true
          tpm-tcti = "swtpm:path=/run/tpm"
          tpm-owner-auth = "credential:owner"
          tpm-key-auth = "file:/etc/key-auth"
          tpm-pcrs = "sha256:7,0"
          tpm-objects = "persistent"
          root-type = "ec-p384"
          device-type = "rsa-3072"
          leaf-type = "rsa-2048"
          [issuing]
          two-speed = "on"
          [profiles.identity]
          signedBy = "device"
          [profiles.server]
          signedBy = "issuing"
          [lifetimes]
          issuing-ca = "12h"
          root = "1000d"
          device-ca = "100d"
          leaf = "10m"
          leaf-cap = "2h"
          token = "1m"
          token-cap = "10m"
          token-key = "2h"
          crl = "3d"
          [attestation]
          tracer = "ignore"
          docker = "/srv/docker.sock"
          podman = "off"
          [limits]
          connections = 10
          waiting = 11
          per-uid = 12
          live-certificates = 100000
          ledger-mb = 100
          ledger-days = 7
          audit-mb = 3
          audit-days = 14
          [bundle]
          refresh = "5m"
          manifest = "/etc/vouchsafe/manifest.pem"
          extra = ["/etc/a.pem", "/etc/x/../b.pem"]
          [revocation]
          crl-url = "http://gateway.local:8080/crl/"
          issuing-distribution-point = true
          ocsp-url = "http://gateway.local:8080/ocsp"
          [rotation]
          automatic = false
          window = "mon-fri 02:00-04:00"
          [clock]
          untrusted = "stop"
          """;

  private static final String PKCS11 =
      """
      [keys]
      store = "pkcs11"
      pkcs11-uri = "pkcs11:token=gw?module-path=/lib/x.so&pin-source=file:/etc/pin"
      """;

  @TempDir Path folder;

  private Home home() {
    return Home.at(folder);
  }

  private Configuration parse(String text) throws ConfigurationException {
    return ConfigurationFile.parse(text, Path.of("vouchsafe.toml"), Home.at(Path.of("/srv/gw")));
  }

  @Test
  void whatIsLeftOutHasItsDefault() throws ConfigurationException {
    Configuration read = parse(LEAST);
    assertThat(read.gateway().layer()).isEqualTo(1);
    assertThat(read.listen().workload()).hasToString("/srv/gw/run/workload.sock");
    assertThat(read.listen().admin()).hasToString("/srv/gw/run/admin.sock");
    assertThat(read.listen().https()).contains(new Configuration.HostPort("", 8443));
    assertThat(read.keys())
        .isEqualTo(
            new Configuration.Keys(
                KeyStoreName.SOFTWARE,
                KeyStoreName.SOFTWARE,
                new Configuration.Places(
                    new Configuration.Seal.Generated(),
                    Optional.empty(),
                    Optional.empty(),
                    false,
                    new Configuration.Tpm(
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(new Configuration.Seal.Generated()),
                        Optional.empty(),
                        TpmSettings.Objects.BLOBS)),
                KeyType.EC_P256,
                KeyType.EC_P256,
                KeyType.EC_P256));
    assertThat(read.lifetimes()).isEqualTo(Lifetimes.defaults());
    assertThat(read.issuing()).isEqualTo(IssuingCaSettings.standard());
    assertThat(read.tokens()).isEqualTo(TokenLifetimes.defaults());
    assertThat(read.bundle().manifest()).isEmpty();
    assertThat(read.bundle().extra()).isEmpty();
    assertThat(read.limits()).isEqualTo(ApiSettings.Limits.defaults());
    assertThat(read.bundle().refresh()).isEqualTo(Duration.ofHours(1));
  }

  @Test
  void aTokenIsNamedByItsUri() throws ConfigurationException {
    Configuration.Keys keys = parse(LEAST + PKCS11).keys();
    assertThat(keys.store()).isEqualTo(KeyStoreName.PKCS11);
    assertThat(keys.rootStore()).isEqualTo(KeyStoreName.PKCS11);
    assertThat(keys.places().pkcs11()).contains(uri("gw"));
  }

  private static Pkcs11Uri uri(String token) {
    return Pkcs11Uri.parse(
        "pkcs11:token=" + token + "?module-path=/lib/x.so&pin-source=file:/etc/pin");
  }

  @Test
  void settingsOfSeveralStoresStandSideBySideForThoseThatAuthoritiesAreIn()
      throws ConfigurationException {
    String moving = "[keys]\nstore = \"software\"\n" + PKCS11.lines().toList().getLast() + "\n";
    Configuration.Keys keys = parse(LEAST + moving + "seal = \"credential:s\"\n").keys();
    assertThat(keys.store()).isEqualTo(KeyStoreName.SOFTWARE);
    assertThat(keys.places().pkcs11()).contains(uri("gw"));
  }

  @Test
  void aTokenOfTheRootsOwnIsForTheRootUnlessTheRootIsSaidToBeElsewhere()
      throws ConfigurationException {
    String own =
        LEAST
            + PKCS11
            + "root-pkcs11-uri = \"pkcs11:token=root?module-path=/lib/x.so&pin-source=/etc/pin\"\n";
    assertThat(parse(own).keys().rootStore()).isEqualTo(KeyStoreName.ROOT_PKCS11);
    assertThat(parse(own + "root-store = \"software\"\n").keys().rootStore())
        .isEqualTo(KeyStoreName.SOFTWARE);
  }

  @Test
  void keysOfATpmCanDoWithoutAnAuthValueIfThatIsSaid() throws ConfigurationException {
    Configuration.Tpm tpm =
        parse(LEAST + "[keys]\nstore = \"tpm\"\ntpm-key-auth = \"none\"\n").keys().places().tpm();
    assertThat(tpm.keyAuth()).isEmpty();
    assertThat(tpm.ownerAuth()).isEmpty();
  }

  @Test
  void anIssuingCaThatNobodySetIsNoLongerThanTheDeviceCa() throws ConfigurationException {
    String brief = LEAST + "[lifetimes]\ndevice-ca = \"2h\"\nleaf-cap = \"2h\"\n";
    assertThat(parse(brief).issuing().lifetime()).isEqualTo(Duration.ofHours(2));
    assertThatThrownBy(() -> parse(brief + "issuing-ca = \"3h\"\n"))
        .hasMessageContaining("[lifetimes] issuing-ca 3h is over [lifetimes] device-ca, 2h");
  }

  @Test
  void everyKeyIsTaken() throws ConfigurationException {
    Configuration read = parse(ALL);
    assertThat(read.gateway().deviceId()).isEqualTo("gw");
    assertThat(read.gateway().trustDomain()).isEqualTo("gw.example");
    assertThat(read.gateway().layer()).isEqualTo(2);
    assertThat(read.gateway().tokenIssuer()).isEqualTo("https://gw.example:8443");
    assertThat(read.listen())
        .isEqualTo(
            new Configuration.Listen(
                Path.of("/run/a.sock"),
                Optional.of(Path.of("/run/s.sock")),
                Path.of("/run/b.sock"),
                Optional.of(new Configuration.HostPort("127.0.0.1", 9443))));
    assertThat(read.keys())
        .isEqualTo(
            new Configuration.Keys(
                KeyStoreName.TPM,
                KeyStoreName.ROOT_PKCS11,
                new Configuration.Places(
                    new Configuration.Seal.Credential("seal"),
                    Optional.of(uri("gw")),
                    Optional.of(uri("root")),
                    true,
                    new Configuration.Tpm(
                        Optional.of("swtpm:path=/run/tpm"),
                        Optional.of(new Configuration.Seal.Credential("owner")),
                        Optional.of(new Configuration.Seal.Passphrase(Path.of("/etc/key-auth"))),
                        Optional.of(new PcrSelection("sha256", List.of(0, 7))),
                        TpmSettings.Objects.PERSISTENT)),
                KeyType.EC_P384,
                KeyType.RSA_3072,
                KeyType.RSA_2048));
    assertThat(read.lifetimes())
        .isEqualTo(
            new Lifetimes(
                Duration.ofDays(1000),
                Duration.ofDays(100),
                Duration.ofMinutes(10),
                Duration.ofHours(2)));
    assertThat(read.attestation())
        .isEqualTo(
            new AttestationSettings(
                false, Optional.of(Path.of("/srv/docker.sock")), Optional.empty()));
    assertThat(read.limits()).isEqualTo(new ApiSettings.Limits(10, 12, 11));
    assertThat(read.audit()).isEqualTo(new Configuration.Audit(3, 14));
    assertThat(read.bundle().refresh()).isEqualTo(Duration.ofMinutes(5));
    assertThat(read.tokens())
        .isEqualTo(
            new TokenLifetimes(Duration.ofMinutes(1), Duration.ofMinutes(10), Duration.ofHours(2)));
    assertThat(read.authority(folder))
        .isEqualTo(
            new CaSettings(
                folder,
                read.gateway(),
                read.lifetimes(),
                read.tokens(),
                KeyType.EC_P384,
                KeyType.RSA_3072,
                KeyType.RSA_2048,
                new IssuingCaSettings(
                    IssuingCaSettings.Mode.ON, Duration.ofHours(12), Set.of(Profile.IDENTITY)),
                OptionalLong.of(100_000),
                new RevocationSettings(
                    Duration.ofDays(3),
                    Optional.of("http://gateway.local:8080/crl"),
                    true,
                    Optional.of("http://gateway.local:8080/ocsp")),
                new LedgerSettings(OptionalLong.of(100L << 20), Duration.ofDays(7)),
                Profiles.builtIn(read.lifetimes(), 2)));
    assertThat(read.bundle().manifest()).contains(Path.of("/etc/vouchsafe/manifest.pem"));
    assertThat(read.bundle().extra()).containsExactly(Path.of("/etc/a.pem"), Path.of("/etc/b.pem"));
    for (ConfigurationKey key : ConfigurationKey.values()) {
      assertThat(ALL).contains(key.key() + " = ");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[listen]\\nworkloud = '/x' | unknown key [listen] workloud; nearest known: workload",
        "[listen]\\nfrobnicate = 1 | known are: workload, spiffe, admin, https",
        "[lissen]\\nadmin = '/x' | unknown section [lissen]; nearest known: listen",
        "admin = '/x' | unknown key admin outside of a section",
        "listen = '/x' | listen must be a section",
        "[[listen]]\\nadmin = '/x' | listen must be a section",
        "[listen]\\nhttps = 8443 | [listen] https must be a text in quotes",
        "[limits]\\nwaiting = '12' | [limits] waiting must be a whole number",
        "[limits]\\nwaiting = 1.5 | [limits] waiting must be a whole number",
        "[limits]\\nwaiting = [1] | [limits] waiting must be a whole number",
        "[limits]\\nwaiting = 0 | [limits] waiting must be a whole number, 1 to 1000000",
        "[limits]\\nwaiting = 99999999999999999999 | [limits] waiting must be a whole number, 1 to",
        "[limits]\\nwaiting = {a = 1} | [limits] waiting must be a whole number",
        "[bundle]\\nrefresh = '1y' | [bundle] refresh must be a number and one of s m h d",
        "[bundle]\\nrefresh = '0s' | [bundle] refresh must be 1s to 30d",
        "[bundle]\\nrefresh = 2026-01-01 | [bundle] refresh must be",
        "[keys]\\nroot-type = 'ed25519' | [keys] root-type must be one of ec-p256, ec-p384",
        "[keys]\\nstore = 'hsm' | [keys] store must be",
        "[keys]\\nseal = 'file:relative' | [keys] seal must be an absolute path",
        "[keys]\\nseal = 'credential:../x' | [keys] seal must be",
        "[keys]\\nseal = 'credential:' | [keys] seal must be",
        "[keys]\\nseal = 'hunter2' | [keys] seal must be",
        "[listen]\\nhttps = '8443' | [listen] https must be",
        "[listen]\\nhttps = '::1:8443' | [listen] https must be",
        "[listen]\\nhttps = ':65536' | [listen] https must be a whole number, 0 to 65535",
        "[listen]\\nhttps = 'a b:1' | [listen] https must be",
        "[listen]\\nadmin = 'x.sock' | [listen] admin must be an absolute path",
        "[listen]\\nadmin = '/a'\\nworkload = '/b/../a' | [listen] admin must be another path",
        "[listen]\\nspiffe = '/a'\\nworkload = '/b/../a' | [listen] spiffe must be another path",
        "[listen]\\nspiffe = 'x.sock' | [listen] spiffe must be an absolute path",
        "[lifetimes]\\nleaf = '31d' | [lifetimes] leaf 31d is over [lifetimes] leaf-cap, 30d",
        "[lifetimes]\\nleaf-cap = '800d' | leaf-cap 800d is over [lifetimes] device-ca, 730d",
        "[lifetimes]\\ndevice-ca = '8000d' | device-ca 8000d is over [lifetimes] root, 7305d",
        "[lifetimes]\\nleaf = '59s' | [lifetimes] leaf must be 1m to",
        "[lifetimes]\\ntoken = '2h'\\ntoken-cap = '1h' | token 2h is over [lifetimes] token-cap,"
            + " 1h",
        "[lifetimes]\\ntoken-cap = '25h' | [lifetimes] token-cap must be 10s to 1d",
        "[lifetimes]\\ntoken-key = '2h' | token-cap 1d is over [lifetimes] token-key, 2h",
        "[bundle]\\nmanifest = 'x.pem' | [bundle] manifest must be an absolute path",
        "[bundle]\\nextra = '/x.pem' | [bundle] extra must be a list of texts",
        "[bundle]\\nextra = [7] | [bundle] extra must be a list of texts",
        "[bundle]\\nextra = [['/x.pem']] | [bundle] extra must be a list of texts",
        "[bundle]\\nextra = ['x.pem'] | [bundle] extra must be an absolute path",
        "[bundle]\\nextra = [''] | [bundle] extra must be a list of texts",
        "[bundle]\\nrefresh = ['1h'] | [bundle] refresh must be a text",
        "[keys]\\nstore = 'paper' | [keys] store must be one of software, pkcs11, tpm",
        "[keys]\\nstore = 'root-pkcs11' | [keys] store must be one of software, pkcs11, tpm",
        "[keys]\\nstore = 'pkcs11,tpm' | [keys] store is one store; a list of stores to try is for",
        "[keys]\\nroot-store = 'x' | root-store must be one of software, pkcs11, tpm, root-pkcs11",
        "[keys]\\nroot-store = 'pkcs11' | [keys] pkcs11-uri is missing; such as",
        "[keys]\\nroot-store = 'root-pkcs11' | [keys] root-pkcs11-uri is missing; such as",
        "[keys]\\nroot-pkcs11-uri = 'x' | [keys] root-pkcs11-uri",
        "[keys]\\npkcs11-helper = 'true' | [keys] pkcs11-helper must be true or false, without",
        "[keys]\\ntpm-tcti = '-c x' | [keys] tpm-tcti must be a TCTI",
        "[keys]\\ntpm-tcti = 'swtpm:path=a b' | [keys] tpm-tcti must be a TCTI",
        "[keys]\\ntpm-owner-auth = 'generated' | [keys] tpm-owner-auth must be",
        "[keys]\\ntpm-key-auth = 'hunter2' | [keys] tpm-key-auth must be",
        "[keys]\\ntpm-key-auth = 'file:x' | [keys] tpm-key-auth must be an absolute path",
        "[keys]\\ntpm-pcrs = 'sha256:24' | [keys] tpm-pcrs names each register once, 0 to 23",
        "[keys]\\ntpm-pcrs = '0,7' | [keys] tpm-pcrs must be a bank and its registers",
        "[keys]\\ntpm-objects = 'nv' | [keys] tpm-objects must be",
        "[issuing]\\ntwo-speed = true | [issuing] two-speed must be a text in quotes",
        "[issuing]\\ntwo-speed = 'yes' | [issuing] two-speed must be",
        "[profiles.identity]\\nsignedBy = 'root' | [profiles.identity] signedBy must be",
        "[profiles.identity]\\nsigned-by = 'device' | unknown key [profiles.identity] signed-by;",
        "[profiles.client]\\nsignedBy = 'device' | [profiles.client] extendedKeyUsage is missing",
        "[profiles]\\nidentity = 'device' | profiles.identity must be a section",
        "[profiles]\\nsignedBy = 'device' | profiles.signedBy must be a section",
        "profiles = 'device' | profiles must be a section",
        "[lifetimes]\\nissuing-ca = '899s' | [lifetimes] issuing-ca must be 15m to",
        "[keys]\\nstore = 'pkcs11' | [keys] pkcs11-uri is missing; such as",
        "[keys]\\nstore = 'pkcs11'\\npkcs11-uri = 'x' | [keys] pkcs11-uri",
        "[keys]\\npkcs11-uri = 'pkcs11:' | [keys] pkcs11-uri"
      })
  void aMistakeStopsTheStartAndIsNamedWithItsFile(String addition, String said) {
    String text = LEAST + addition.replace("\\n", "\n").replace('\'', '"') + "\n";
    String top = addition.startsWith("[") ? text : addition.replace('\'', '"') + "\n" + LEAST;
    assertThatThrownBy(() -> parse(top))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("vouchsafe.toml")
        .hasMessageContaining(said);
  }

  @Test
  void theDeviceCaIsRotatedByItselfUnlessThatIsSwitchedOff() throws Exception {
    assertThat(parse(LEAST).rotation()).isEqualTo(RotationSettings.standard());
    RotationSettings read =
        parse(LEAST + "[rotation]\nautomatic = false\nwindow = \"sat 22:00-02:00\"\n").rotation();
    assertThat(read.automatic()).isFalse();
    assertThat(read.window().orElseThrow()).hasToString("sat 22:00-02:00");
    for (String wrong : List.of("\"\"", "\"02:00\"", "\"someday 02:00-04:00\"", "true")) {
      assertThatThrownBy(() -> parse(LEAST + "[rotation]\nwindow = " + wrong + "\n"))
          .hasMessageContaining("[rotation] window must be");
    }
  }

  @Test
  void theIssuerOfTokensIsTheTrustDomainOrAnAddress() throws Exception {
    assertThat(parse(LEAST).gateway().tokenIssuer())
        .isEqualTo("spiffe://" + parse(LEAST).gateway().trustDomain());
    for (String good : List.of("https://gw", "https://gw.example:8443/a/b", "https://[::1]:1")) {
      assertThat(parse(LEAST.replace("[gateway]", "[gateway]\nissuer = '" + good + "'")).gateway())
          .extracting(GatewayIdentity::tokenIssuer)
          .isEqualTo(good);
    }
    for (String bad :
        List.of(
            "", "http://a", "https://", "https://a/", "https://A", "https://a?b", "spiffe://a")) {
      String text = LEAST.replace("[gateway]", "[gateway]\nissuer = '" + bad + "'");
      assertThatThrownBy(() -> parse(text))
          .hasMessageContaining("[gateway] issuer must be https://");
    }
  }

  @ParameterizedTest
  @CsvSource({"listen,loopback"})
  void aKeyThatWouldDoNothingYetIsRefused(String section, String key) {
    assertThatThrownBy(() -> parse(LEAST + "[" + section + "]\n" + key + " = \"x\"\n"))
        .hasMessageContaining("[" + section + "] " + key + " is not in this version");
  }

  @Test
  void whatIsDoneWhileTheClockIsNotTrustedIsBoundedIssuingOrNone() throws Exception {
    assertThat(parse(LEAST).untrusted()).isEqualTo(ClockSettings.Untrusted.BOUNDED);
    assertThat(parse(LEAST + "[clock]\nuntrusted = \"stop\"\n").untrusted())
        .isEqualTo(ClockSettings.Untrusted.STOP);
    for (String wrong : List.of("\"go on\"", "\"\"", "true", "\"STOP\"")) {
      assertThatThrownBy(() -> parse(LEAST + "[clock]\nuntrusted = " + wrong + "\n"))
          .hasMessageContaining("[clock] untrusted must be");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "GW,gw.example,[gateway] device-id",
    "gw_1,gw.example,[gateway] device-id",
    "a.b,gw.example,[gateway] device-id",
    "gw,Example,[gateway] trust-domain",
    "gw,a_b,[gateway] trust-domain",
    "gw,a..b,[gateway] trust-domain"
  })
  void namesOfTheGatewayAreLowerCaseDnsLabels(String id, String domain, String said) {
    assertThatThrownBy(() ->
            parse("[gateway]\ndevice-id = \"%s\"\ntrust-domain = \"%s\"\n".formatted(id, domain)))
        .hasMessageContaining(said);
  }

  @Test
  void aMissingNameIsNamed() {
    assertThatThrownBy(() -> parse("")).hasMessageContaining("[gateway] device-id is missing");
    assertThatThrownBy(() -> parse("[gateway]\ndevice-id = \"a\"\n"))
        .hasMessageContaining("[gateway] trust-domain is missing");
    assertThatThrownBy(() -> parse(LEAST + "layer = 6\n")).hasMessageContaining("layer");
  }

  @Test
  void httpsCanBeSwitchedOffAndTakesEveryFormOfAddress() throws ConfigurationException {
    assertThat(parse(LEAST + "[listen]\nhttps = \"off\"\n").listen().https()).isEmpty();
    assertThat(parse(LEAST + "[listen]\nhttps = \"[::1]:0\"\n").listen().https())
        .contains(new Configuration.HostPort("::1", 0));
    assertThat(parse(LEAST + "[listen]\nhttps = \"gw.example:443\"\n").listen().https())
        .contains(new Configuration.HostPort("gw.example", 443));
  }

  @Test
  void aSocketPathOver107OctetsIsNamedWithWhatToChange() {
    Home deep = Home.at(Path.of("/" + "d".repeat(100)));
    assertThatThrownBy(() -> ConfigurationFile.parse(LEAST, deep.configuration(), deep))
        .hasMessageContaining("[listen] workload")
        .hasMessageContaining("at most 107")
        .hasMessageContaining("set this key to a shorter path");
    String umlauts = "/" + "ä".repeat(54);
    assertThatThrownBy(() -> parse(LEAST + "[listen]\nadmin = \"" + umlauts + "\"\n"))
        .hasMessageContaining("109 octets");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[",
        "a = ",
        "a = \"",
        "[gateway]\ndevice-id = 'x'\ndevice-id = 'y'",
        "=",
        "\"",
        "[a]\n[a]",
        "a.b = 1\na = 2"
      })
  void whatIsNotTomlIsNamedWithItsLine(String text) {
    assertThatThrownBy(() -> parse(text))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("vouchsafe.toml");
  }

  @Test
  void aFileThatIsNotThereSaysWhatToDo() {
    assertThatThrownBy(() -> ConfigurationFile.read(home())).hasMessageContaining("vouchsafe init");
  }

  @Test
  void aFileThatOthersCanWriteIsNotObeyed() throws IOException {
    Path file = write(LEAST, "rw-r--rw-");
    assertThatThrownBy(() -> ConfigurationFile.read(home()))
        .hasMessageContaining(file.toString())
        .hasMessageContaining("chmod go-w");
  }

  @Test
  void aFolderThatOthersCanWriteIsNotObeyed() throws IOException {
    write(LEAST, "rw-r--r--");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxr-x"));
    assertThatThrownBy(() -> ConfigurationFile.read(home()))
        .hasMessageContaining(folder.toString())
        .hasMessageContaining("chmod go-w");
  }

  @Test
  void aFileOfAnotherUserIsNotObeyed() throws IOException {
    Path file = write(LEAST, "rw-r--r--");
    assumeTrue(FileTrust.ownUser() == 0, "only root can give a file away");
    Files.setAttribute(file, "unix:uid", 12345);
    assertThatThrownBy(() -> ConfigurationFile.read(home()))
        .hasMessageContaining("belongs to user 12345")
        .hasMessageContaining("chown");
  }

  @Test
  void aLinkToAFileThatOthersCanWriteIsNotObeyed(@TempDir Path other) throws IOException {
    Path target = other.resolve("real.toml");
    Files.writeString(target, LEAST);
    Files.setPosixFilePermissions(other, PosixFilePermissions.fromString("rwxrwxrwx"));
    Files.createSymbolicLink(home().configuration(), target);
    assertThatThrownBy(() -> ConfigurationFile.read(home())).hasMessageContaining("chmod go-w");
  }

  @Test
  void aGoodFileIsRead() throws IOException, ConfigurationException {
    write(ALL, "rw-r--r--");
    assertThat(ConfigurationFile.read(home()).gateway().deviceId()).isEqualTo("gw");
  }

  @Test
  void aHugeFileIsNotRead() throws IOException {
    write(LEAST + "#".repeat(70_000), "rw-r--r--");
    assertThatThrownBy(() -> ConfigurationFile.read(home())).hasMessageContaining("65536 octets");
  }

  @Test
  void aFileThatIsNotUtf8IsNamed() throws IOException {
    Path file = write(LEAST, "rw-r--r--");
    Files.write(file, new byte[] {'#', (byte) 0xff, (byte) 0xfe});
    assertThatThrownBy(() -> ConfigurationFile.read(home())).hasMessageContaining("not UTF-8");
  }

  @Test
  void whateverIsInTheFileTheAnswerIsAConfigurationOrANamedMistake() {
    Random random = new Random(7);
    for (int round = 0; round < 3000; round++) {
      StringBuilder text = new StringBuilder(ALL);
      for (int change = random.nextInt(1, 6); change > 0; change--) {
        mutate(text, random);
      }
      ConfigurationFuzzTest.parse(text.toString());
    }
  }

  private static void mutate(StringBuilder text, Random random) {
    int at = random.nextInt(text.length());
    switch (random.nextInt(4)) {
      case 0 -> text.setCharAt(at, (char) random.nextInt(32, 127));
      case 1 -> text.deleteCharAt(at);
      case 2 -> text.insert(at, "[]={}\"'\n.,#0".charAt(random.nextInt(12)));
      default -> {
        int end = Math.min(text.length(), at + random.nextInt(40));
        text.insert(random.nextInt(text.length()), text.substring(at, end));
      }
    }
  }

  private Path write(String text, String mode) throws IOException {
    Path file = home().configuration();
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    return file;
  }
}
