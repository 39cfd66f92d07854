package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LeafProfile.NameKind;
import dev.vouchsafe.ca.LeafProfile.Usage;
import dev.vouchsafe.keys.KeyType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Profiles as data: what they may say, and that certificates say just that. */
class ProfilesTest {
  private static final Lifetimes LIFETIMES = Lifetimes.defaults();
  private static final Profile MQTT = new Profile("mqtt-client");

  @TempDir Path folder;

  /** A profile for clients, with a subject of its own. */
  private static LeafProfile client() {
    return new LeafProfile(
        MQTT,
        List.of(KeyType.EC_P384, KeyType.RSA_2048),
        Duration.ofMinutes(20),
        Duration.ofHours(2),
        Set.of(Usage.DIGITAL_SIGNATURE, Usage.KEY_AGREEMENT, Usage.DATA_ENCIPHERMENT),
        List.of(LeafProfile.CLIENT_AUTH, "1.3.6.1.5.5.7.3.21"),
        template("C=DE", "O=Plant 7", "OU={module} of {device-id}", "CN={name}"),
        LeafProfile.CommonName.MODULE,
        Set.of(NameKind.SPIFFE),
        false);
  }

  private static SubjectTemplate template(String... parts) {
    try {
      return SubjectTemplate.parse(List.of(parts));
    } catch (ProfileException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private CaSettings settings(LeafProfile... leaves) throws ProfileException {
    CaSettings plain = TestCa.settings(folder);
    return new CaSettings(
        plain.directory(),
        plain.identity(),
        plain.lifetimes(),
        plain.tokens(),
        plain.rootKey(),
        plain.deviceKey(),
        plain.leafKey(),
        plain.issuing(),
        OptionalLong.empty(),
        plain.revocation(),
        plain.ledger(),
        plain.profiles().with(List.of(leaves), List.of(), plain.lifetimes(), 1));
  }

  private static Grant grant(String module, String... dns) {
    return new Grant(
        module,
        "7",
        Set.of(Profile.IDENTITY, Profile.SERVER, Profile.DEVICE_LEAF, MQTT),
        List.of(dns),
        List.of(),
        Optional.of("spiffe://gw.example/m"),
        Optional.empty(),
        List.of(),
        Optional.empty());
  }

  private static String extension(X509Certificate leaf, String oid) {
    return HexFormat.of().formatHex(leaf.getExtensionValue(oid));
  }

  @Test
  void theBuiltInProfilesAreByteForByteWhatTheyWereBeforeTheyWereData() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      X509Certificate identity = ca.leaf(TestCa.grant(), CertificateRequest.of(Profile.IDENTITY));
      assertThat(extension(identity, "2.5.29.15")).isEqualTo("040403020780");
      assertThat(extension(identity, "2.5.29.37"))
          .isEqualTo("0416301406082b0601050507030206082b06010505070301");
      assertThat(identity.getSubjectX500Principal().getEncoded())
          .isEqualTo(
              HexFormat.of()
                  .parseHex(
                      "3012"
                          + "3110"
                          + "300e"
                          + "0603550403"
                          + "0c07"
                          + HexFormat.of()
                              .formatHex("edgeHub".getBytes(StandardCharsets.US_ASCII))));
      X509Certificate server = ca.leaf(TestCa.grant(), rsa(Profile.SERVER));
      assertThat(extension(server, "2.5.29.15")).isEqualTo("0404030205a0");
      assertThat(extension(server, "2.5.29.37")).isEqualTo("040c300a06082b06010505070301");
      assertThat(server.getCriticalExtensionOIDs())
          .containsExactlyInAnyOrder("2.5.29.15", "2.5.29.19");
    }
  }

  private static CertificateRequest rsa(Profile profile) {
    return withKey(profile, "rsa-2048");
  }

  private static CertificateRequest withKey(Profile profile, String type) {
    return new CertificateRequest(
        profile,
        Optional.empty(),
        Optional.empty(),
        List.of(),
        List.of(),
        Optional.empty(),
        Optional.of(type));
  }

  @Test
  void aCertificateSaysWhatItsProfileSays() throws Exception {
    try (TestCa ca = TestCa.with(settings(client()))) {
      X509Certificate leaf = ca.leaf(grant("pump", "a.local"), CertificateRequest.of(MQTT));
      assertThat(leaf.getSubjectX500Principal().getName())
          .isEqualTo("CN=pump,OU=pump of gw1,O=Plant 7,C=DE");
      assertThat(KeyType.of(leaf.getPublicKey())).contains(KeyType.EC_P384);
      assertThat(leaf.getExtendedKeyUsage())
          .containsExactly(LeafProfile.CLIENT_AUTH, "1.3.6.1.5.5.7.3.21");
      assertThat(leaf.getKeyUsage())
          .containsExactly(true, false, false, false, true, false, false, false, false);
      assertThat(leaf.getBasicConstraints()).isEqualTo(-1);
      assertThat(leaf.getSubjectAlternativeNames())
          .containsExactly(List.of(6, "spiffe://gw.example/m"));
      assertThat(
              Duration.between(
                  TestCa.NOW.truncatedTo(ChronoUnit.SECONDS), leaf.getNotAfter().toInstant()))
          .isEqualTo(Duration.ofMinutes(20));
      boolean[] rsa = ca.leaf(grant("pump"), rsa(MQTT)).getKeyUsage();
      assertThat(rsa).containsExactly(true, false, false, true, false, false, false, false, false);
    }
  }

  @Test
  void whatIsSignedIsOctetForOctetWhatWasLintedAndRecordedInEveryProfile() throws Exception {
    try (TestCa ca = TestCa.with(settings(client()))) {
      for (Profile profile : ca.ca().profiles()) {
        IssuedCertificate issued =
            ca.issue(grant("pump", "a.local"), CertificateRequest.of(profile));
        X509Certificate leaf = TestCa.chain(issued).getFirst();
        LedgerEntry entry = ca.ca().certificate(issued.serial()).orElseThrow();
        assertThat(entry.tbsSha256())
            .isEqualTo(Octets.hex(Octets.sha256(leaf.getTBSCertificate())));
        assertThat(entry.profile()).isEqualTo(profile.text());
        LeafProfile definition = ca.settings.profiles().leaf(profile).orElseThrow();
        Grant grant = grant("pump", "a.local");
        new LeafLint(new Issuer("device-1", "gw.example", KeyType.EC_P256, ca.device()))
            .check(
                leaf.getTBSCertificate(),
                leaf.getSerialNumber().toByteArray(),
                new LeafLint.Expected(
                    grant,
                    definition,
                    new NameGate(grant, definition),
                    SubjectPublicKeyInfo.getInstance(leaf.getPublicKey().getEncoded()),
                    KeyType.of(leaf.getPublicKey()).orElseThrow(),
                    TestCa.GATEWAY,
                    TestCa.NOW));
      }
    }
  }

  @Test
  void theLintRefusesWhatAnotherDefinitionOfTheProfileWouldHaveMade() throws Exception {
    try (TestCa ca = TestCa.with(settings(client()))) {
      X509Certificate leaf = ca.leaf(grant("pump"), CertificateRequest.of(MQTT));
      for (LeafProfile other : altered(client())) {
        Grant grant = grant("pump");
        Refusals.assertRefused(
            Reason.LINT,
            () ->
                new LeafLint(new Issuer("device-1", "gw.example", KeyType.EC_P256, ca.device()))
                    .check(
                        leaf.getTBSCertificate(),
                        leaf.getSerialNumber().toByteArray(),
                        new LeafLint.Expected(
                            grant,
                            other,
                            new NameGate(grant, other),
                            SubjectPublicKeyInfo.getInstance(leaf.getPublicKey().getEncoded()),
                            KeyType.EC_P384,
                            TestCa.GATEWAY,
                            TestCa.NOW)));
      }
    }
  }

  /** The same with one thing changed that the certificate shows. */
  private static List<LeafProfile> altered(LeafProfile from) {
    return List.of(
        copy(from, Duration.ofMinutes(1), from.usages(), from.purposes(), from.subject()),
        copy(from, from.cap(), Set.of(Usage.DIGITAL_SIGNATURE), from.purposes(), from.subject()),
        copy(from, from.cap(), from.usages(), List.of(LeafProfile.CLIENT_AUTH), from.subject()),
        copy(from, from.cap(), from.usages(), List.of("2.5.29.37.0"), from.subject()),
        copy(from, from.cap(), from.usages(), from.purposes(), SubjectTemplate.COMMON_NAME),
        copy(
            from,
            from.cap(),
            from.usages(),
            from.purposes(),
            template("C=DE", "O=Plant 8", "OU={module} of {device-id}", "CN={name}")));
  }

  private static LeafProfile copy(
      LeafProfile from,
      Duration cap,
      Set<Usage> usages,
      List<String> purposes,
      SubjectTemplate subject) {
    return new LeafProfile(
        from.name(),
        from.keyTypes(),
        cap,
        cap,
        usages,
        purposes,
        subject,
        from.named(),
        from.names(),
        from.nameRequired());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"x,O=Evil", "x+CN=root", "{device-id}", "$1\\0", "=,;%!", "a{trust-domain}b"})
  void aModulesNameIsAValueAndNeverMoreOfTheSubject(String module) throws Exception {
    try (TestCa ca = TestCa.with(settings(client()))) {
      X509Certificate leaf = ca.leaf(grant(module), CertificateRequest.of(MQTT));
      var subject = X500Name.getInstance(leaf.getSubjectX500Principal().getEncoded());
      assertThat(subject.getRDNs()).hasSize(4).noneMatch(rdn -> rdn.isMultiValued());
      assertThat(subject.getRDNs()[2].getFirst().getValue()).hasToString(module + " of gw1");
    }
  }

  @Test
  void aNameOfAKindThatTheProfileHasNotIsRefusedThoughItIsGranted() throws Exception {
    try (TestCa ca = TestCa.with(settings(client()))) {
      Grant grant = grant("pump", "a.local");
      Refusals.assertNothingIssued(
          ca,
          Reason.NAME_NOT_GRANTED,
          grant,
          new TestCsr(TestCa.CRYPTO.generate(KeyType.EC_P384)).dns("a.local").request(MQTT));
    }
  }

  @Test
  void aKeyOfAnotherTypeThanTheProfileHasIsRefused() throws Exception {
    try (TestCa ca = TestCa.with(settings(client()))) {
      Grant grant = grant("pump");
      Refusals.assertNothingIssued(ca, Reason.REQUEST_INVALID, grant, withKey(MQTT, "ec-p256"));
      Refusals.assertNothingIssued(ca, Reason.REQUEST_INVALID, grant, new TestCsr().request(MQTT));
    }
  }

  @Test
  void aClientProfileGivesNoModuleTheGatewaysOwnCommonName() throws Exception {
    try (TestCa ca = TestCa.with(settings(client()))) {
      Refusals.assertNothingIssued(
          ca, Reason.NAME_NOT_GRANTED, grant("GW1"), CertificateRequest.of(MQTT));
    }
  }

  @Test
  void aCsrGetsNoPurposeAndNoCaThatItsProfileHasNot() throws Exception {
    LeafProfile client =
        copy(
            client(),
            Duration.ofHours(2),
            client().usages(),
            List.of(LeafProfile.CLIENT_AUTH),
            client().subject());
    try (TestCa ca = TestCa.with(settings(client))) {
      for (KeyPurposeId evil :
          List.of(
              KeyPurposeId.id_kp_serverAuth,
              KeyPurposeId.anyExtendedKeyUsage,
              KeyPurposeId.id_kp_OCSPSigning)) {
        Refusals.assertNothingIssued(
            ca,
            Reason.CSR_EXTENSION,
            grant("pump"),
            new TestCsr()
                .extension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(evil))
                .request(MQTT));
      }
      Refusals.assertNothingIssued(
          ca,
          Reason.CSR_EXTENSION,
          grant("pump"),
          new TestCsr()
              .extension(Extension.basicConstraints, true, new BasicConstraints(true))
              .request(MQTT));
    }
  }

  @Test
  void aProfileThatThereIsNotIsAMistakeAndOneThatIsNotGrantedARefusal() throws Exception {
    try (TestCa ca = TestCa.with(settings(client()))) {
      Refusals.assertNothingIssued(
          ca, Reason.REQUEST_INVALID, grant("m"), CertificateRequest.of(new Profile("none")));
      Refusals.assertNothingIssued(
          ca, Reason.REQUEST_INVALID, grant("m"), CertificateRequest.of(Profile.CHILD_CA));
      Refusals.assertNothingIssued(
          ca, Reason.PROFILE_NOT_GRANTED, TestCa.grant(), CertificateRequest.of(MQTT));
    }
  }

  @Test
  void aLeafOfTheLongestProfileIsShortenedToTheLifeOfItsIssuer() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      ca.clock.pass(Duration.ofDays(500));
      X509Certificate leaf = ca.leaf(grant("m"), CertificateRequest.of(Profile.DEVICE_LEAF));
      assertThat(leaf.getNotAfter()).isEqualTo(ca.device().getNotAfter());
    }
  }

  private static Arguments broken(String key, UnaryOperator<LeafProfile> change) {
    return Arguments.of(key, change.apply(client()));
  }

  static Stream<Arguments> brokenLeaves() {
    return Stream.of(
        broken("keyTypes", p -> types(p)),
        broken("keyTypes", p -> types(p, KeyType.EC_P256, KeyType.EC_P256)),
        broken("keyUsage", p -> usages(p)),
        broken("keyUsage", p -> usages(p, Usage.DATA_ENCIPHERMENT)),
        broken("extendedKeyUsage", p -> purposes(p)),
        broken("extendedKeyUsage", p -> purposes(p, "2.5.29.37.0")),
        broken("extendedKeyUsage", p -> purposes(p, "1.3.6.1.5.5.7.3.9")),
        broken("extendedKeyUsage", p -> purposes(p, "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.2")),
        broken(
            "lifetimeCap",
            p -> copy(p, Duration.ofDays(731), p.usages(), p.purposes(), p.subject())),
        // Over [lifetimes] leaf-cap, and not for clients alone.
        broken(
            "lifetimeCap",
            p -> copy(p, Duration.ofDays(31), p.usages(), p.purposes(), p.subject())),
        broken(
            "lifetimeCap",
            p ->
                purposes(
                    copy(p, Duration.ofDays(31), p.usages(), p.purposes(), p.subject()),
                    LeafProfile.SERVER_AUTH)),
        broken("lifetime", p -> copy(p, Duration.ZERO, p.usages(), p.purposes(), p.subject())),
        broken("nameRequired", p -> names(p, LeafProfile.CommonName.MODULE, true, NameKind.SPIFFE)),
        broken("commonName", p -> names(p, LeafProfile.CommonName.NAME, false, NameKind.DNS)),
        broken(
            "names",
            p ->
                purposes(names(p, LeafProfile.CommonName.MODULE, false), LeafProfile.SERVER_AUTH)));
  }

  private static LeafProfile types(LeafProfile p, KeyType... types) {
    return new LeafProfile(
        p.name(),
        List.of(types),
        p.lifetime(),
        p.cap(),
        p.usages(),
        p.purposes(),
        p.subject(),
        p.named(),
        p.names(),
        p.nameRequired());
  }

  private static LeafProfile usages(LeafProfile p, Usage... usages) {
    return copy(p, p.cap(), Set.of(usages), p.purposes(), p.subject());
  }

  private static LeafProfile purposes(LeafProfile p, String... purposes) {
    return copy(p, p.cap(), p.usages(), List.of(purposes), p.subject());
  }

  private static LeafProfile names(
      LeafProfile p, LeafProfile.CommonName named, boolean required, NameKind... kinds) {
    return new LeafProfile(
        p.name(),
        p.keyTypes(),
        p.lifetime(),
        p.cap(),
        p.usages(),
        p.purposes(),
        p.subject(),
        named,
        Set.of(kinds),
        required);
  }

  @Test
  void aProfileForClientsAloneMayLiveAsLongAsADeviceAndNoOtherLongerThanAModule() throws Exception {
    LeafProfile p = client();
    LeafProfile clients =
        purposes(
            copy(p, Duration.ofDays(730), p.usages(), p.purposes(), p.subject()),
            LeafProfile.CLIENT_AUTH);
    assertThat(settings(clients).profiles().leaf(MQTT)).contains(clients);
    LeafProfile identity = TestCa.leaf(Profile.IDENTITY);
    assertRefused(
        "lifetimeCap",
        copy(
            identity,
            Duration.ofDays(31),
            identity.usages(),
            identity.purposes(),
            identity.subject()));
    Lifetimes long5 =
        new Lifetimes(
            Duration.ofDays(9000), Duration.ofDays(2000), Duration.ofHours(1), Duration.ofDays(30));
    LeafProfile longer =
        purposes(
            copy(p, Duration.ofDays(731), p.usages(), p.purposes(), p.subject()),
            LeafProfile.CLIENT_AUTH);
    assertThat(catchThrowableOfType(ProfileException.class, () -> Profiles.check(longer, long5)))
        .hasMessageContaining("730d");
  }

  @Test
  void namesThatBeginAlikeStayApartWhereTheyAreCutAndNoPairIsSplit() throws Exception {
    String smile = "\uD83D\uDE00";
    LeafProfile p = client();
    LeafProfile odd =
        copy(
            p,
            p.cap(),
            p.usages(),
            p.purposes(),
            template(
                "OU={module}" + smile, "OU={a" + smile.repeat(20) + "{generation}", "CN={name}"));
    String same = "x".repeat(100);
    try (TestCa ca = TestCa.with(settings(odd))) {
      Set<String> seen = new java.util.HashSet<>();
      for (String module : List.of(same + "1", same + "2", same, "y".repeat(46), "z".repeat(63))) {
        X509Certificate leaf = ca.leaf(grant(module), CertificateRequest.of(MQTT));
        assertThat(seen.add(leaf.getSubjectX500Principal().getName())).isTrue();
        assertThat(leaf.getSubjectX500Principal().getName()).doesNotContain("?");
      }
    }
    assertThat(SubjectTemplate.cut("a" + smile, 2)).isEqualTo("a");
    assertThat(SubjectTemplate.cut("a" + smile, 3)).isEqualTo("a" + smile);
    assertThat(
            catchThrowableOfType(
                ProfileException.class,
                () -> SubjectTemplate.parse(List.of("OU=\uD83D", "CN={name}"))))
        .isNotNull();
  }

  @ParameterizedTest
  @MethodSource("brokenLeaves")
  void aBrokenLeafProfileIsRefusedByTheKeyThatIsWrong(String key, LeafProfile broken) {
    assertRefused(key, broken);
  }

  private static ProfileException assertRefused(String key, LeafProfile... leaves) {
    ProfileException refused =
        catchThrowableOfType(
            ProfileException.class,
            () -> Profiles.builtIn(LIFETIMES, 1).with(List.of(leaves), List.of(), LIFETIMES, 1));
    assertThat(refused).isNotNull();
    assertThat(refused.key()).isEqualTo(key);
    return refused;
  }

  @Test
  void whatOthersRelyOnInTheBuiltInProfilesCannotBeChanged() {
    LeafProfile identity = TestCa.leaf(Profile.IDENTITY);
    assertRefused("keyUsage", usages(identity, Usage.DIGITAL_SIGNATURE));
    assertRefused("extendedKeyUsage", purposes(identity, LeafProfile.CLIENT_AUTH));
    assertRefused("names", names(identity, identity.named(), false, NameKind.DNS));
    assertRefused("keyTypes", types(TestCa.leaf(Profile.SERVER), KeyType.RSA_2048));
    LeafProfile ca =
        new LeafProfile(
            Profile.CHILD_CA,
            identity.keyTypes(),
            identity.lifetime(),
            identity.cap(),
            identity.usages(),
            identity.purposes(),
            identity.subject(),
            identity.named(),
            identity.names(),
            false);
    assertThat(assertRefused("kind", ca)).hasMessageContaining("take another name");
  }

  static Stream<Arguments> brokenAuthorities() {
    List<KeyType> types = List.of(KeyType.EC_P256);
    var critical = AuthorityProfile.Constraints.CRITICAL;
    Profile name = new Profile("plant-ca");
    Duration year = Duration.ofDays(365);
    return Stream.of(
        Arguments.of("keyTypes", 1, new AuthorityProfile(name, List.of(), year, 3, critical)),
        Arguments.of(
            "lifetime", 1, new AuthorityProfile(name, types, year.multipliedBy(3), 3, critical)),
        Arguments.of("lifetime", 1, new AuthorityProfile(name, types, Duration.ZERO, 3, critical)),
        Arguments.of("pathLength", 1, new AuthorityProfile(name, types, year, 5, critical)),
        Arguments.of("pathLength", 1, new AuthorityProfile(name, types, year, -1, critical)),
        Arguments.of("kind", 5, new AuthorityProfile(name, types, year, 0, critical)),
        Arguments.of("kind", 1, new AuthorityProfile(Profile.IDENTITY, types, year, 0, critical)));
  }

  @ParameterizedTest
  @MethodSource("brokenAuthorities")
  void aBrokenProfileOfCasIsRefusedByTheKeyThatIsWrong(
      String key, int layer, AuthorityProfile broken) {
    ProfileException refused =
        catchThrowableOfType(
            ProfileException.class,
            () ->
                Profiles.builtIn(LIFETIMES, layer)
                    .with(List.of(), List.of(broken), LIFETIMES, layer));
    assertThat(refused).isNotNull();
    assertThat(refused.key()).isEqualTo(key);
  }

  @Test
  void theCaOfAChildMayStandOverOneLayerLessThanOurs() {
    for (int layer = 1; layer <= 4; layer++) {
      AuthorityProfile child =
          Profiles.builtIn(LIFETIMES, layer).authority(Profile.CHILD_CA).orElseThrow();
      assertThat(child.pathLength()).isEqualTo(AuthorityPlan.pathLength(layer) - 1);
      assertThat(child.constraints()).isEqualTo(AuthorityProfile.Constraints.CRITICAL);
    }
    assertThat(Profiles.builtIn(LIFETIMES, 5).authorities()).isEmpty();
  }

  @Test
  void theBuiltInProfilesKeepTheRulesInEveryLayerAndLifetime() throws Exception {
    Lifetimes brief =
        new Lifetimes(
            Duration.ofHours(3), Duration.ofHours(2), Duration.ofMinutes(5), Duration.ofHours(1));
    for (Lifetimes lifetimes : List.of(LIFETIMES, brief)) {
      for (int layer = 1; layer <= 5; layer++) {
        Profiles profiles = Profiles.builtIn(lifetimes, layer);
        List<LeafProfile> leaves = new ArrayList<>();
        profiles.leaves().forEach(name -> leaves.add(profiles.leaf(name).orElseThrow()));
        assertThat(profiles.with(leaves, List.of(), lifetimes, layer)).isEqualTo(profiles);
      }
    }
  }
}
