package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyType;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERIA5String;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERTaggedObject;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.AttributeTypeAndValue;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Certificate requests of somebody who wants more than the registration grants. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CsrAttacksTest {
  private static final GeneralName ALLOWED = new GeneralName(GeneralName.dNSName, "gateway.local");

  private TestCa ca;

  @BeforeAll
  void open(@TempDir Path folder) throws Exception {
    ca = TestCa.in(folder);
  }

  @AfterAll
  void close() {
    ca.close();
  }

  private void assertNothingIssued(Reason reason, TestCsr csr, Profile profile) throws Exception {
    Refusals.assertNothingIssued(ca, reason, TestCa.grant(), csr.request(profile));
  }

  private void assertUnreadable(String pem) throws Exception {
    Refusals.assertNothingIssued(
        ca, Reason.CSR_MALFORMED, TestCa.grant(), TestCsr.request(Profile.SERVER, pem));
  }

  @Test
  void anHonestRequestGetsItsKeyCertifiedAndNoPrivateKeyBack() throws Exception {
    KeyPair pair = TestCa.CRYPTO.generate(KeyType.EC_P256);

    IssuedCertificate issued =
        ca.issue(
            TestCa.grant(),
            new TestCsr(pair).subject("CN=GATEWAY.local,O=ignored").request(Profile.SERVER));

    X509Certificate leaf = TestCa.chain(issued).getFirst();
    assertThat(issued.privateKeyPem()).isEmpty();
    assertThat(leaf.getPublicKey().getEncoded()).isEqualTo(pair.getPublic().getEncoded());
    assertThat(leaf.getSubjectX500Principal().getName()).isEqualTo("CN=gateway.local");
    assertThat(leaf.getSubjectAlternativeNames()).containsExactly(List.of(2, "gateway.local"));
  }

  static List<Profile> profiles() {
    return List.of(Profile.IDENTITY, Profile.SERVER);
  }

  @ParameterizedTest
  @MethodSource("profiles")
  void aCsrWithoutNamesGetsWhatIsGranted(Profile profile) throws Exception {
    X509Certificate leaf = ca.leaf(TestCa.grant(), new TestCsr().request(profile));
    assertThat(leaf.getSubjectAlternativeNames())
        .hasSize(profile.equals(Profile.IDENTITY) ? 5 : 4)
        .contains(List.of(2, "edgehub"));
  }

  @Test
  void aSignatureByAnotherKeyProvesNothing() throws Exception {
    TestCsr csr = new TestCsr().signedBy(TestCa.CRYPTO.generate(KeyType.EC_P256).getPrivate());
    assertNothingIssued(Reason.CSR_SIGNATURE, csr, Profile.SERVER);
  }

  @Test
  void aByteChangedAnywhereIsNeverCertified() throws Exception {
    byte[] der = new TestCsr().subject("CN=gateway.local").dns("gateway.local").der();
    for (int i = 0; i < der.length; i++) {
      byte[] changed = der.clone();
      changed[i] ^= 1;
      try {
        ca.issue(TestCa.grant(), TestCsr.request(Profile.SERVER, TestCsr.pem(changed)));
      } catch (IssuanceException e) {
        assertThat(e.reason()).isIn(Reason.CSR_MALFORMED, Reason.CSR_SIGNATURE, Reason.WEAK_KEY);
        continue;
      }
      throw new AssertionError("octet " + i + " was changed and the CSR passed");
    }
  }

  @Test
  void aCsrCutOffAnywhereIsMalformed() throws Exception {
    byte[] der = new TestCsr().dns("gateway.local").der();
    for (int length = 0; length < der.length; length += 3) {
      String pem = TestCsr.pem(Arrays.copyOf(der, length));
      assertUnreadable(pem);
    }
    assertUnreadable(TestCsr.pem(Arrays.copyOf(der, der.length + 1)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"SHA1withECDSA", "NONEwithECDSA", "SHA224withECDSA"})
  void aProofByAWeakDigestIsNoProof(String algorithm) throws Exception {
    ASN1ObjectIdentifier oid =
        algorithm.startsWith("SHA224")
            ? X9ObjectIdentifiers.ecdsa_with_SHA224
            : X9ObjectIdentifiers.ecdsa_with_SHA1;
    String signer = algorithm.equals("NONEwithECDSA") ? "SHA256withECDSA" : algorithm;
    TestCsr csr = new TestCsr().signedWith(signer, oid);
    assertNothingIssued(Reason.CSR_SIGNATURE, csr, Profile.SERVER);
  }

  @Test
  void anAlgorithmOfAnotherFamilyIsNoProof() throws Exception {
    TestCsr csr =
        new TestCsr()
            .signedBy(TestCa.CRYPTO.generate(KeyType.RSA_2048).getPrivate())
            .signedWith("SHA256withRSA", PKCSObjectIdentifiers.sha256WithRSAEncryption);
    assertNothingIssued(Reason.CSR_SIGNATURE, csr, Profile.SERVER);
  }

  @Test
  void otherGoodDigestsThanOursAreAccepted() throws Exception {
    KeyPair pair = TestCa.CRYPTO.generate(KeyType.EC_P384);
    for (String digest : List.of("SHA256", "SHA384", "SHA512")) {
      ASN1ObjectIdentifier oid =
          switch (digest) {
            case "SHA256" -> X9ObjectIdentifiers.ecdsa_with_SHA256;
            case "SHA384" -> X9ObjectIdentifiers.ecdsa_with_SHA384;
            default -> X9ObjectIdentifiers.ecdsa_with_SHA512;
          };
      TestCsr csr = new TestCsr(pair).signedWith(digest + "withECDSA", oid);
      assertThat(ca.issue(TestCa.grant(), csr.request(Profile.SERVER)).serial()).hasSize(32);
    }
  }

  @Test
  void aRsaKeyIsCertifiedWithItsUsage() throws Exception {
    TestCsr csr =
        new TestCsr(TestCa.CRYPTO.generate(KeyType.RSA_2048))
            .signedWith("SHA512withRSA", PKCSObjectIdentifiers.sha512WithRSAEncryption);
    X509Certificate leaf = ca.leaf(TestCa.grant(), csr.request(Profile.SERVER));
    assertThat(leaf.getKeyUsage())
        .startsWith(true, false, true)
        .doesNotContain(true, org.assertj.core.data.Index.atIndex(5));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whoAsksToBeACaIsRefused(boolean critical) throws Exception {
    for (BasicConstraints wish : List.of(new BasicConstraints(true), new BasicConstraints(0))) {
      TestCsr csr = new TestCsr().extension(Extension.basicConstraints, critical, wish);
      assertNothingIssued(Reason.CSR_EXTENSION, csr, Profile.IDENTITY);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {KeyUsage.keyCertSign, KeyUsage.cRLSign, KeyUsage.keyCertSign | 128})
  void whoAsksForACasKeyUsageIsRefused(int usage) throws Exception {
    TestCsr csr = new TestCsr().extension(Extension.keyUsage, true, new KeyUsage(usage));
    assertNothingIssued(Reason.CSR_EXTENSION, csr, Profile.IDENTITY);
  }

  @Test
  void whoAsksForAPurposeBeyondTheProfileIsRefused() throws Exception {
    for (KeyPurposeId purpose :
        List.of(
            KeyPurposeId.anyExtendedKeyUsage,
            KeyPurposeId.id_kp_codeSigning,
            KeyPurposeId.id_kp_OCSPSigning,
            KeyPurposeId.id_kp_clientAuth)) {
      TestCsr csr =
          new TestCsr().extension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purpose));
      assertNothingIssued(Reason.CSR_EXTENSION, csr, Profile.SERVER);
    }
  }

  @Test
  void aWishInMicrosoftsAttributeIsRefusedAsWell() throws Exception {
    TestCsr csr =
        new TestCsr()
            .attribute(TestCsr.MICROSOFT)
            .extension(Extension.basicConstraints, true, new BasicConstraints(true));
    assertNothingIssued(Reason.CSR_EXTENSION, csr, Profile.SERVER);
    assertNothingIssued(
        Reason.NAME_NOT_GRANTED,
        new TestCsr().attribute(TestCsr.MICROSOFT).dns("evil.example"),
        Profile.SERVER);
  }

  @Test
  void anUnknownExtensionIsRefusedIfCriticalElseWithoutEffect() throws Exception {
    ASN1ObjectIdentifier unknown = new ASN1ObjectIdentifier("1.3.6.1.4.1.99999.1");
    assertNothingIssued(
        Reason.CSR_EXTENSION,
        new TestCsr().extension(unknown, true, DERNull.INSTANCE),
        Profile.SERVER);
    assertNothingIssued(
        Reason.CSR_EXTENSION,
        new TestCsr().extension(Extension.nameConstraints, true, new DERSequence()),
        Profile.SERVER);

    X509Certificate leaf =
        ca.leaf(
            TestCa.grant(),
            new TestCsr()
                .extension(unknown, false, DERNull.INSTANCE)
                .extension(Extension.certificatePolicies, false, new DERSequence())
                .request(Profile.SERVER));
    assertThat(leaf.getExtensionValue(unknown.getId())).isNull();
    assertThat(leaf.getExtensionValue(Extension.certificatePolicies.getId())).isNull();
  }

  @Test
  void aNameOutsideTheGrantIsRefusedInEveryKindOfSan() throws Exception {
    GeneralName[] wishes = {
      new GeneralName(GeneralName.dNSName, "evil.example"),
      new GeneralName(GeneralName.dNSName, "gateway.local\0.evil.example"),
      new GeneralName(GeneralName.dNSName, "gateway.local."),
      new GeneralName(GeneralName.dNSName, ""),
      new GeneralName(GeneralName.iPAddress, "10.0.0.1"),
      new GeneralName(GeneralName.iPAddress, "fd00::2"),
      new GeneralName(GeneralName.uniformResourceIdentifier, "spiffe://gw.example/other"),
      new GeneralName(GeneralName.uniformResourceIdentifier, "https://evil.example"),
      new GeneralName(GeneralName.rfc822Name, "root@gateway.local"),
      new GeneralName(GeneralName.directoryName, "CN=gateway.local"),
      new GeneralName(GeneralName.registeredID, "1.2.3"),
      new GeneralName(
          GeneralName.otherName,
          new DERSequence(
              new ASN1Encodable[] {
                new ASN1ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"),
                new DERTaggedObject(true, 0, new DERUTF8String("root@gateway.local"))
              }))
    };
    for (GeneralName wish : wishes) {
      for (Profile profile : profiles()) {
        assertNothingIssued(Reason.NAME_NOT_GRANTED, new TestCsr().names(ALLOWED, wish), profile);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 5, 8, 15, 17, 32})
  void anAddressOfAnotherLengthIsMalformed(int length) throws Exception {
    GeneralName wish = new GeneralName(GeneralName.iPAddress, new DEROctetString(new byte[length]));
    assertNothingIssued(Reason.CSR_MALFORMED, new TestCsr().names(ALLOWED, wish), Profile.SERVER);
  }

  @Test
  void aServersCsrMayNotCarryEvenItsOwnSpiffeId() throws Exception {
    TestCsr csr =
        new TestCsr()
            .names(
                ALLOWED, new GeneralName(GeneralName.uniformResourceIdentifier, TestCa.SPIFFE_ID));
    assertNothingIssued(Reason.NAME_NOT_GRANTED, csr, Profile.SERVER);

    X509Certificate identity = ca.leaf(TestCa.grant(), csr.request(Profile.IDENTITY));
    assertThat(identity.getSubjectAlternativeNames())
        .containsExactlyInAnyOrder(List.of(2, "gateway.local"), List.of(6, TestCa.SPIFFE_ID));
  }

  @Test
  void aCommonNameOutsideTheGrantIsRefusedWhereverItStands() throws Exception {
    RDN allowed = new RDN(BCStyle.CN, new DERUTF8String("gateway.local"));
    RDN evil = new RDN(BCStyle.CN, new DERUTF8String("evil.example"));
    RDN hidden =
        new RDN(
            new AttributeTypeAndValue[] {
              new AttributeTypeAndValue(BCStyle.O, new DERUTF8String("x")),
              new AttributeTypeAndValue(BCStyle.CN, new DERUTF8String("evil.example"))
            });
    for (RDN[] subject : List.of(new RDN[] {evil}, new RDN[] {allowed, evil}, new RDN[] {hidden})) {
      for (Profile profile : profiles()) {
        assertNothingIssued(
            Reason.NAME_NOT_GRANTED, new TestCsr().subject(new X500Name(subject)), profile);
      }
    }
  }

  @Test
  void anotherModulesNameAsCommonNameIsRefused() throws Exception {
    assertNothingIssued(
        Reason.NAME_NOT_GRANTED, new TestCsr().subject("CN=otherModule"), Profile.IDENTITY);
    assertNothingIssued(
        Reason.NAME_NOT_GRANTED, new TestCsr().subject("CN=$edgeHub"), Profile.IDENTITY);
  }

  @Test
  void aCsrAddsToTheRequestOnlyWhatPassesTheGate() throws Exception {
    CertificateRequest both =
        new CertificateRequest(
            Profile.SERVER,
            Optional.of(new TestCsr().dns("evil.example").pem()),
            Optional.of("gateway.local"),
            List.of("edgehub"),
            List.of(),
            Optional.empty(),
            Optional.empty());
    Refusals.assertNothingIssued(ca, Reason.NAME_NOT_GRANTED, TestCa.grant(), both);
  }

  @Test
  void aKeyTypeThatContradictsTheCsrIsInvalid() throws Exception {
    CertificateRequest request =
        new CertificateRequest(
            Profile.SERVER,
            Optional.of(new TestCsr().pem()),
            Optional.empty(),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.of("rsa-2048"));
    Refusals.assertNothingIssued(ca, Reason.REQUEST_INVALID, TestCa.grant(), request);
  }

  @Test
  void moreThanAHundredNamesAreInvalid() throws Exception {
    GeneralName[] names = new GeneralName[101];
    for (int i = 0; i < names.length; i++) {
      names[i] = new GeneralName(GeneralName.dNSName, "h" + i + ".gateway.local");
    }
    assertNothingIssued(Reason.REQUEST_INVALID, new TestCsr().names(names), Profile.SERVER);
  }

  @Test
  void aSecondSanExtensionIsMalformed() throws Exception {
    assertNothingIssued(
        Reason.CSR_MALFORMED,
        new TestCsr().dns("gateway.local").dns("evil.example"),
        Profile.SERVER);
  }

  @Test
  void anEmptySanOrOneThatIsNoneIsMalformedOrWithoutEffect() throws Exception {
    assertNothingIssued(
        Reason.CSR_MALFORMED,
        new TestCsr()
            .extension(Extension.subjectAlternativeName, false, new DERIA5String("gateway.local")),
        Profile.SERVER);
    X509Certificate leaf =
        ca.leaf(
            TestCa.grant(),
            new TestCsr()
                .extension(
                    Extension.subjectAlternativeName, false, new GeneralNames(new GeneralName[0]))
                .request(Profile.SERVER));
    assertThat(leaf.getSubjectAlternativeNames()).hasSize(4);
  }

  @Test
  void aVersionThatDoesNotExistIsMalformed() throws Exception {
    assertNothingIssued(Reason.CSR_MALFORMED, new TestCsr().version(1), Profile.SERVER);
  }

  @Test
  void whatIsNotOnePemBlockOfARequestIsMalformed() throws Exception {
    String pem = new TestCsr().pem();
    String body = Base64.getEncoder().encodeToString(new TestCsr().der());
    for (String wrong :
        List.of(
            "",
            body,
            pem + pem,
            pem + "x",
            pem.replace("END CERT", "END XCERT"),
            pem.replace("CERTIFICATE REQUEST", "CERTIFICATE"),
            pem.replaceFirst("\n", "\nProc-Type: 4,ENCRYPTED\n"),
            pem.replaceFirst("M", "!"),
            pem.substring(0, pem.length() / 2),
            "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n",
            "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n")) {
      assertUnreadable(wrong);
    }
  }

  @Test
  void aBlockOfTheOldNameWithTextBeforeItIsRead() throws Exception {
    String pem =
        "Certificate Request:\n"
            + new TestCsr().pem().replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");
    assertThat(ca.issue(TestCa.grant(), TestCsr.request(Profile.SERVER, pem)).serial()).hasSize(32);
  }

  @Test
  void aRequestLongerThanTheLimitIsMalformedBeforeItIsDecoded() throws Exception {
    assertUnreadable(" ".repeat(CsrReader.LONGEST_PEM) + new TestCsr().pem());
  }

  @Test
  void nestingAsDeepAsTheLimitAllowsDoesNotEndTheThread() throws Exception {
    byte[] constructed = new byte[12_000];
    for (int i = 0; i < constructed.length; i += 2) {
      constructed[i] = 0x30;
      constructed[i + 1] = (byte) 0x80;
    }
    assertUnreadable(TestCsr.pem(constructed));
    ASN1Encodable nested = new DERSequence();
    for (int i = 0; i < 1000; i++) {
      nested = new DERSequence(nested);
    }
    ASN1EncodableVector three = new ASN1EncodableVector();
    three.add(nested);
    three.add(nested);
    three.add(nested);
    assertUnreadable(TestCsr.pem(new DERSequence(three).getEncoded()));
  }
}
