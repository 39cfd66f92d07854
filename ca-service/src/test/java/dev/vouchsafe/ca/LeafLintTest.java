package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyType;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.DERIA5String;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.TBSCertificate;
import org.bouncycastle.asn1.x509.Time;
import org.bouncycastle.asn1.x509.V3TBSCertificateGenerator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Certificates as a mistaken planner or builder could make them: the lint is the last to see them.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LeafLintTest {
  private static final Grant GRANT = TestCa.grant();
  private static final Instant NOT_BEFORE = Instant.parse("2026-11-05T10:19:30Z");
  private static final Instant NOT_AFTER = Instant.parse("2026-11-05T11:20:30Z");

  private final SubjectPublicKeyInfo key = newKey(KeyType.EC_P256);
  private final byte[] serial = new Serials().next(TestCa.NOW);
  private Issuer issuer;
  private LeafLint lint;
  private byte[] good;

  @BeforeAll
  void makeAnIssuer(@TempDir Path folder) throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      issuer = new Issuer("device-1", "gw.example", KeyType.EC_P256, ca.device());
    }
    lint = new LeafLint(issuer);
    good = build(names("gateway.local"), NOT_BEFORE, NOT_AFTER, "edgeHub");
  }

  private static SubjectPublicKeyInfo newKey(KeyType type) {
    return SubjectPublicKeyInfo.getInstance(TestCa.CRYPTO.generate(type).getPublic().getEncoded());
  }

  private static List<SanName> names(String... dns) {
    List<SanName> names = new ArrayList<>();
    for (String name : dns) {
      names.add(new SanName.Dns(name));
    }
    names.add(new SanName.Uri(TestCa.SPIFFE_ID));
    return names;
  }

  private byte[] build(List<SanName> names, Instant notBefore, Instant notAfter, String cn) {
    LeafPlan plan =
        new LeafPlan(
            TestCa.leaf(Profile.IDENTITY),
            TestCa.subject(cn),
            names,
            notBefore,
            notAfter,
            notAfter);
    return new LeafBuilder(issuer).tbs(plan, serial, key, KeyType.EC_P256);
  }

  private void check(byte[] tbs) throws IssuanceException {
    check(tbs, Profile.IDENTITY, KeyType.EC_P256);
  }

  private void check(byte[] tbs, Profile profile, KeyType keyType) throws IssuanceException {
    lint.check(
        tbs,
        serial,
        new LeafLint.Expected(
            GRANT,
            TestCa.leaf(profile),
            new NameGate(GRANT, TestCa.leaf(profile)),
            key,
            keyType,
            TestCa.GATEWAY,
            TestCa.NOW));
  }

  private void assertLint(byte[] tbs) {
    Refusals.assertRefused(Reason.LINT, () -> check(tbs));
  }

  /** The good certificate with its frame changed. */
  private byte[] framed(Consumer<V3TBSCertificateGenerator> change) throws Exception {
    TBSCertificate from = TBSCertificate.getInstance(good);
    V3TBSCertificateGenerator to = new V3TBSCertificateGenerator();
    to.setSerialNumber(from.getSerialNumber());
    to.setSignature(from.getSignature());
    to.setIssuer(from.getIssuer());
    to.setStartDate(from.getStartDate());
    to.setEndDate(from.getEndDate());
    to.setSubject(from.getSubject());
    to.setSubjectPublicKeyInfo(from.getSubjectPublicKeyInfo());
    to.setExtensions(from.getExtensions());
    change.accept(to);
    return to.generateTBSCertificate().getEncoded();
  }

  /** The good certificate with one extension replaced, added, or left out if there is no value. */
  private byte[] extended(ASN1ObjectIdentifier oid, boolean critical, Optional<ASN1Encodable> value)
      throws Exception {
    Extensions from = TBSCertificate.getInstance(good).getExtensions();
    ExtensionsGenerator to = new ExtensionsGenerator();
    for (ASN1ObjectIdentifier known : from.getExtensionOIDs()) {
      if (!known.equals(oid)) {
        to.addExtension(from.getExtension(known));
      }
    }
    if (value.isPresent()) {
      to.addExtension(oid, critical, value.get());
    }
    return framed(tbs -> tbs.setExtensions(to.generate()));
  }

  private byte[] withNames(GeneralName... names) throws Exception {
    return extended(Extension.subjectAlternativeName, false, Optional.of(new GeneralNames(names)));
  }

  private static GeneralName uri(String uri) {
    return new GeneralName(GeneralName.uniformResourceIdentifier, uri);
  }

  private static GeneralName dns(String name) {
    return new GeneralName(GeneralName.dNSName, name);
  }

  @Test
  void aGoodCertificatePasses() {
    assertThatCode(() -> check(good)).doesNotThrowAnyException();
  }

  @Test
  void aBitFlippedAnywhereIsFoundUnlessItOnlyMovesTheValidityWithinItsBounds() {
    int moved = 0;
    for (int bit = 0; bit < good.length * 8; bit++) {
      byte[] flipped = good.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      try {
        check(flipped);
      } catch (IssuanceException e) {
        assertThat(e.reason()).isEqualTo(Reason.LINT);
        continue;
      }
      TBSCertificate passed = TBSCertificate.getInstance(flipped);
      TBSCertificate original = TBSCertificate.getInstance(good);
      assertThat(passed.getValidity()).as("bit " + bit).isNotEqualTo(original.getValidity());
      assertThat(passed.getEndDate().getDate().toInstant())
          .isBefore(TestCa.NOW.plus(Lifetimes.defaults().leafCap()));
      moved++;
    }
    assertThat(moved).isBetween(1, 60);
  }

  @Test
  void octetsCutOffOrAddedAreFound() {
    for (int length = 0; length < good.length; length++) {
      assertLint(Arrays.copyOf(good, length));
    }
    assertLint(Arrays.copyOf(good, good.length + 1));
  }

  @Test
  void anotherSerialNumberIsFound() throws Exception {
    byte[] other = new Serials().next(TestCa.NOW);
    for (BigInteger wrong :
        List.of(
            new BigInteger(other),
            BigInteger.ZERO,
            BigInteger.ONE,
            new BigInteger(serial).negate(),
            new BigInteger(serial).shiftLeft(64))) {
      assertLint(framed(tbs -> tbs.setSerialNumber(new ASN1Integer(wrong))));
    }
  }

  @Test
  void anotherIssuerSubjectOrKeyIsFound() throws Exception {
    assertLint(framed(tbs -> tbs.setIssuer(new X500Name("CN=Other CA"))));
    assertLint(framed(tbs -> tbs.setSubject(new X500Name(new RDN[0]))));
    assertLint(framed(tbs -> tbs.setSubject(new X500Name("CN=evil.example"))));
    assertLint(framed(tbs -> tbs.setSubject(new X500Name("O=x,CN=edgeHub"))));
    assertLint(
        framed(tbs ->
            tbs.setSubject(
                new X500Name(new RDN[] {new RDN(BCStyle.O, new DERUTF8String("edgeHub"))}))));
    assertLint(framed(tbs -> tbs.setSubjectPublicKeyInfo(newKey(KeyType.EC_P256))));
  }

  @Test
  void anotherSignatureAlgorithmIsFound() throws Exception {
    assertLint(framed(tbs -> tbs.setSignature(SignatureAlgorithms.of(KeyType.EC_P384))));
    assertLint(framed(tbs -> tbs.setSignature(SignatureAlgorithms.of(KeyType.RSA_2048))));
  }

  @Test
  void uniqueIdentifiersAreFound() throws Exception {
    assertLint(framed(tbs -> tbs.setIssuerUniqueID(new DERBitString(new byte[] {1}))));
    assertLint(framed(tbs -> tbs.setSubjectUniqueID(new DERBitString(new byte[] {1}))));
  }

  @Test
  void aValidityOutsideItsBoundsIsFound() throws Exception {
    Instant cap = TestCa.NOW.plus(Lifetimes.defaults().leafCap()).truncatedTo(ChronoUnit.SECONDS);
    assertThatCode(() -> check(ending(cap))).doesNotThrowAnyException();
    assertLint(ending(cap.plusSeconds(1)));
    assertLint(ending(issuer.notAfter().plusSeconds(1)));
    assertLint(ending(NOT_BEFORE.minusSeconds(1)));
    assertLint(beginning(TestCa.NOW.plusSeconds(1)));
    assertLint(beginning(TestCa.NOW.minusSeconds(62)));
    assertLint(beginning(issuer.notBefore().minusSeconds(1)));
  }

  private byte[] ending(Instant end) throws Exception {
    return framed(tbs -> tbs.setEndDate(new Time(Date.from(end))));
  }

  private byte[] beginning(Instant start) throws Exception {
    return framed(tbs -> tbs.setStartDate(new Time(Date.from(start))));
  }

  @Test
  void aLeafThatOutlivesItsIssuerIsFoundEvenUnderTheCap() throws Exception {
    LeafProfile loose = TestCa.capped(TestCa.leaf(Profile.IDENTITY), Duration.ofDays(365 * 100));
    byte[] tbs = ending(issuer.notAfter().plusSeconds(1));
    Refusals.assertRefused(
        Reason.LINT,
        () ->
            lint.check(
                tbs,
                serial,
                new LeafLint.Expected(
                    GRANT,
                    loose,
                    new NameGate(GRANT, loose),
                    key,
                    KeyType.EC_P256,
                    TestCa.GATEWAY,
                    TestCa.NOW)));
  }

  @Test
  void aNameOutsideTheGrantIsFoundThoughThePlannerLetItPass() throws Exception {
    GeneralName own = uri(TestCa.SPIFFE_ID);
    assertThatCode(() -> check(withNames(dns("gateway.local"), own))).doesNotThrowAnyException();
    for (GeneralName evil :
        List.of(
            dns("evil.example"),
            dns("gateway.local\0.evil.example"),
            dns("GATEWAY.local"),
            dns(""),
            new GeneralName(GeneralName.iPAddress, "10.0.0.1"),
            new GeneralName(GeneralName.iPAddress, new DEROctetString(new byte[5])),
            new GeneralName(GeneralName.iPAddress, mappedIntoIpv6()),
            uri("spiffe://gw.example/other"),
            uri(TestCa.SPIFFE_ID),
            uri("https://gateway.local/"),
            new GeneralName(GeneralName.rfc822Name, "a@gateway.local"),
            new GeneralName(GeneralName.directoryName, "CN=gateway.local"))) {
      assertLint(withNames(own, evil));
    }
    assertLint(withNames(dns("gateway.local")));
    assertLint(withNames(own, dns("gateway.local"), dns("gateway.local")));
  }

  private static DEROctetString mappedIntoIpv6() {
    byte[] octets = new byte[16];
    octets[10] = octets[11] = (byte) 0xff;
    System.arraycopy(new byte[] {(byte) 192, (byte) 168, 1, 10}, 0, octets, 12, 4);
    return new DEROctetString(octets);
  }

  @Test
  void aSpiffeIdOfAnotherTrustDomainIsFoundEvenIfTheGrantHasIt() {
    Grant foreign =
        new Grant(
            "edgeHub",
            "1",
            Set.of(Profile.IDENTITY),
            List.of(),
            List.of(),
            Optional.of("spiffe://other.example/edgeHub"),
            Optional.empty(),
            List.of(),
            Optional.empty());
    LeafPlan plan =
        new LeafPlan(
            TestCa.leaf(Profile.IDENTITY),
            TestCa.subject("edgeHub"),
            List.of(new SanName.Uri("spiffe://other.example/edgeHub")),
            NOT_BEFORE,
            NOT_AFTER,
            NOT_AFTER);
    byte[] tbs = new LeafBuilder(issuer).tbs(plan, serial, key, KeyType.EC_P256);
    Refusals.assertRefused(
        Reason.LINT,
        () ->
            lint.check(
                tbs,
                serial,
                new LeafLint.Expected(
                    foreign,
                    TestCa.leaf(Profile.IDENTITY),
                    new NameGate(foreign, TestCa.leaf(Profile.IDENTITY)),
                    key,
                    KeyType.EC_P256,
                    TestCa.GATEWAY,
                    TestCa.NOW)));
  }

  @Test
  void theOtherProfilesCertificateIsFound() {
    Refusals.assertRefused(Reason.LINT, () -> check(good, Profile.SERVER, KeyType.EC_P256));
    LeafPlan server =
        new LeafPlan(
            TestCa.leaf(Profile.SERVER),
            TestCa.subject("gateway.local"),
            List.of(new SanName.Dns("gateway.local")),
            NOT_BEFORE,
            NOT_AFTER,
            NOT_AFTER);
    byte[] tbs = new LeafBuilder(issuer).tbs(server, serial, key, KeyType.EC_P256);
    assertThatCode(() -> check(tbs, Profile.SERVER, KeyType.EC_P256)).doesNotThrowAnyException();
    assertLint(tbs);
  }

  @Test
  void aServerWithoutANameIsFound() throws Exception {
    LeafPlan server =
        new LeafPlan(
            TestCa.leaf(Profile.SERVER),
            TestCa.subject("edgeHub"),
            List.of(),
            NOT_BEFORE,
            NOT_AFTER,
            NOT_AFTER);
    byte[] tbs = new LeafBuilder(issuer).tbs(server, serial, key, KeyType.EC_P256);
    Refusals.assertRefused(Reason.LINT, () -> check(tbs, Profile.SERVER, KeyType.EC_P256));
  }

  @Test
  void aCaIsFoundInEveryForm() throws Exception {
    for (BasicConstraints evil : List.of(new BasicConstraints(true), new BasicConstraints(0))) {
      assertLint(extended(Extension.basicConstraints, true, Optional.of(evil)));
    }
    for (int usage :
        new int[] {
          KeyUsage.digitalSignature | KeyUsage.keyCertSign,
          KeyUsage.digitalSignature | KeyUsage.cRLSign,
          KeyUsage.digitalSignature | KeyUsage.keyEncipherment,
          KeyUsage.keyAgreement,
          0
        }) {
      assertLint(extended(Extension.keyUsage, true, Optional.of(new KeyUsage(usage))));
    }
  }

  @Test
  void anotherPurposeIsFound() throws Exception {
    for (KeyPurposeId[] purposes :
        List.of(
            new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth},
            new KeyPurposeId[] {KeyPurposeId.anyExtendedKeyUsage},
            new KeyPurposeId[] {
              KeyPurposeId.id_kp_clientAuth,
              KeyPurposeId.id_kp_serverAuth,
              KeyPurposeId.id_kp_codeSigning
            })) {
      assertLint(
          extended(Extension.extendedKeyUsage, false, Optional.of(new ExtendedKeyUsage(purposes))));
    }
  }

  @Test
  void wrongKeyIdentifiersAreFound() throws Exception {
    assertLint(
        extended(
            Extension.subjectKeyIdentifier,
            false,
            Optional.of(new SubjectKeyIdentifier(issuer.keyId()))));
    assertLint(
        extended(
            Extension.authorityKeyIdentifier,
            false,
            Optional.of(new AuthorityKeyIdentifier(Octets.keyId(key)))));
    assertLint(
        extended(
            Extension.authorityKeyIdentifier,
            false,
            Optional.of(
                new AuthorityKeyIdentifier(
                    issuer.keyId(),
                    new GeneralNames(new GeneralName(issuer.subject())),
                    BigInteger.ONE))));
  }

  @Test
  void anExtensionMissingTooManyOrOfTheWrongCriticalityIsFound() throws Exception {
    Extensions all = TBSCertificate.getInstance(good).getExtensions();
    for (ASN1ObjectIdentifier oid : all.getExtensionOIDs()) {
      Extension extension = all.getExtension(oid);
      assertLint(extended(oid, false, Optional.empty()));
      assertLint(extended(oid, !extension.isCritical(), Optional.of(extension.getParsedValue())));
      assertLint(extended(oid, extension.isCritical(), Optional.of(DERNull.INSTANCE)));
    }
    assertLint(
        extended(
            new ASN1ObjectIdentifier("2.16.840.1.113730.1.13"),
            false,
            Optional.of(new DERIA5String("comment"))));
  }

  @Test
  void whatPassesIsReadByTheJdkAsItWasMeant() throws Exception {
    byte[] der = Signed.certificate(good, issuer.signatureAlgorithm(), new byte[] {0x30, 0});
    X509Certificate read =
        (X509Certificate)
            CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(der));
    assertThat(read.getTBSCertificate()).isEqualTo(good);
    assertThat(read.getBasicConstraints()).isEqualTo(-1);
  }
}
