package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.keys.KeyType;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.HexFormat;
import java.util.Optional;
import java.util.OptionalInt;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralSubtree;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.NameConstraints;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Certificates of authorities as a mistaken builder could make them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AuthorityLintTest {
  private static final Instant NOW = TestCa.NOW;
  private static final Duration DAY = Duration.ofHours(24);
  private static final Instant LATE = NOW.plus(Duration.ofDays(100));
  private static final int BOTH = KeyUsage.keyCertSign | KeyUsage.cRLSign;
  private static final GatewayIdentity IDENTITY = new GatewayIdentity("gw1", "gw.example", 2);

  private final PublicKey key = TestCa.CRYPTO.generate(KeyType.EC_P256).getPublic();
  private final byte[] serial = new Serials().next(NOW);
  private KeyPair signerKey;
  private StoredAuthority signer;

  @BeforeAll
  void makeASigner() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(256);
    signerKey = generator.generateKeyPair();
    signer = signer(4, LATE, false);
  }

  /** A device CA; all of them have one key and one name. */
  private StoredAuthority signer(int pathLength, Instant end, boolean constrained)
      throws Exception {
    X500Name name = new X500Name("CN=device");
    X509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            name,
            BigInteger.TWO,
            Date.from(NOW.minus(DAY)),
            Date.from(end),
            name,
            signerKey.getPublic());
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(pathLength));
    if (constrained) {
      GeneralName limit = new GeneralName(GeneralName.dNSName, "gateway.local");
      builder.addExtension(
          Extension.nameConstraints,
          true,
          new NameConstraints(new GeneralSubtree[] {new GeneralSubtree(limit)}, null));
    }
    byte[] der =
        builder
            .build(new JcaContentSignerBuilder("SHA256withECDSA").build(signerKey.getPrivate()))
            .getEncoded();
    return new StoredAuthority(row(Role.DEVICE), AuthorityBuilder.parse(der));
  }

  private static AuthorityRow row(Role role) {
    return new AuthorityRow(7, role, 3, "software", KeyType.EC_P256, State.PREPARED);
  }

  private static AuthorityPlan plan(Duration life, int pathLength, int keyUsage) {
    return new AuthorityPlan("Vouchsafe Issuing CA", life, OptionalInt.of(pathLength), keyUsage);
  }

  private static AuthorityPlan issuing() {
    return plan(DAY, 0, KeyUsage.keyCertSign);
  }

  private byte[] build(AuthorityPlan plan, StoredAuthority by) {
    return new AuthorityBuilder(IDENTITY, Optional.of(by), NOW)
        .tbs(plan, row(Role.ISSUING), serial, key);
  }

  private AuthorityLint.Expected expected(Role role, StoredAuthority by) {
    return new AuthorityLint.Expected(row(role), key, Optional.of(by), DAY, NOW);
  }

  private void check(byte[] tbs, AuthorityLint.Expected expected) throws IssuanceException {
    new AuthorityLint(IDENTITY).check(tbs, serial, expected);
  }

  private void assertLint(byte[] tbs, AuthorityLint.Expected expected) {
    Refusals.assertRefused(Reason.LINT, () -> check(tbs, expected));
  }

  @Test
  void whatTheBuilderMakesPasses() throws Exception {
    check(build(issuing(), signer), expected(Role.ISSUING, signer));
    check(
        build(plan(DAY, 4, BOTH), signer(5, LATE, true)),
        expected(Role.DEVICE, signer(5, LATE, true)));
    byte[] root =
        new AuthorityBuilder(IDENTITY, Optional.empty(), NOW)
            .tbs(
                new AuthorityPlan("Vouchsafe Root", DAY, OptionalInt.empty(), BOTH),
                row(Role.ROOT),
                serial,
                key);
    check(root, new AuthorityLint.Expected(row(Role.ROOT), key, Optional.empty(), DAY, NOW));
  }

  @Test
  void theLongestTrustDomainPasses() throws Exception {
    String label = "a".repeat(61) + ".";
    GatewayIdentity longest = new GatewayIdentity("gw1", label.repeat(4) + "abcde", 2);
    assertThat(longest.trustDomain()).hasSize(253);
    byte[] tbs =
        new AuthorityBuilder(longest, Optional.of(signer), NOW)
            .tbs(issuing(), row(Role.ISSUING), serial, key);
    new AuthorityLint(longest).check(tbs, serial, expected(Role.ISSUING, signer));
    assertLint(tbs, expected(Role.ISSUING, signer));
  }

  @Test
  void anIssuingCaThatCouldSignAuthoritiesOrListsIsStopped() throws Exception {
    assertLint(build(plan(DAY, 1, KeyUsage.keyCertSign), signer), expected(Role.ISSUING, signer));
    assertLint(build(plan(DAY, 0, BOTH), signer), expected(Role.ISSUING, signer));
    assertLint(
        build(plan(DAY, 0, KeyUsage.digitalSignature), signer), expected(Role.ISSUING, signer));
    AuthorityPlan unlimited =
        new AuthorityPlan("x", DAY, OptionalInt.empty(), KeyUsage.keyCertSign);
    assertLint(build(unlimited, signer), expected(Role.ISSUING, signer));
  }

  @Test
  void oneUnderASignerThatMayHaveNoneIsStopped() throws Exception {
    StoredAuthority last = signer(0, LATE, false);
    assertLint(build(issuing(), last), expected(Role.ISSUING, last));
    StoredAuthority lowest = signer(4, LATE, false);
    assertLint(build(plan(DAY, 4, BOTH), lowest), expected(Role.DEVICE, lowest));
  }

  @Test
  void nameConstraintsAreRepeatedExactly() throws Exception {
    StoredAuthority constrained = signer(4, LATE, true);
    byte[] repeated = build(issuing(), constrained);
    check(repeated, expected(Role.ISSUING, constrained));
    assertThat(HexFormat.of().formatHex(repeated))
        .contains(
            HexFormat.of().formatHex(constrained.certificate().getExtensionValue("2.5.29.30")));
    assertLint(build(issuing(), signer), expected(Role.ISSUING, constrained));
    assertLint(repeated, expected(Role.ISSUING, signer));
  }

  @Test
  void oneThatOutlivesItsSignerOrTheCapIsStopped() throws Exception {
    StoredAuthority brief = signer(4, NOW.plus(Duration.ofHours(2)), false);
    check(build(issuing(), brief), expected(Role.ISSUING, brief));
    assertLint(build(issuing(), signer), expected(Role.ISSUING, brief));
    assertLint(
        build(plan(DAY.plusSeconds(1), 0, KeyUsage.keyCertSign), signer),
        expected(Role.ISSUING, signer));
  }

  @Test
  void oneThatHasEndedBeforeItIsSignedIsStopped() throws Exception {
    StoredAuthority ended = signer(4, NOW.minusSeconds(60), false);
    assertLint(build(issuing(), ended), expected(Role.ISSUING, ended));
  }

  @Test
  void oneOfAnotherTimeKeySerialOrSignerIsStopped() throws Exception {
    byte[] good = build(issuing(), signer);
    Optional<StoredAuthority> by = Optional.of(signer);
    for (Duration shift : new Duration[] {Duration.ofMinutes(-6), Duration.ofMinutes(6)}) {
      assertLint(
          good, new AuthorityLint.Expected(row(Role.ISSUING), key, by, DAY, NOW.plus(shift)));
    }
    PublicKey other = TestCa.CRYPTO.generate(KeyType.EC_P256).getPublic();
    assertLint(good, new AuthorityLint.Expected(row(Role.ISSUING), other, by, DAY, NOW));
    assertLint(
        good, new AuthorityLint.Expected(row(Role.ISSUING), key, Optional.empty(), DAY, NOW));
    Refusals.assertRefused(
        Reason.LINT,
        () ->
            new AuthorityLint(IDENTITY)
                .check(good, new Serials().next(NOW), expected(Role.ISSUING, signer)));
  }

  /** But for the text of the common name and a shorter life, not one bit may be another. */
  @Test
  void changingAnyBitIsFoundOut() throws Exception {
    byte[] good = build(issuing(), signer);
    String text = new String(good, StandardCharsets.ISO_8859_1);
    int name = text.indexOf("Vouchsafe Issuing CA 3 gw1");
    int begin = text.indexOf("261105", 30);
    int free = 0;
    for (int i = 0; i < good.length; i++) {
      for (int bit = 0; bit < 8; bit++) {
        byte[] bad = good.clone();
        bad[i] ^= (byte) (1 << bit);
        boolean inName = i >= name && i < name + "Vouchsafe Issuing CA 3 gw1".length();
        boolean inTime = i >= begin && i < begin + 28;
        if (inName || inTime) {
          free++;
        } else {
          assertThat(catchThrowable(() -> check(bad, expected(Role.ISSUING, signer))))
              .as("octet " + i + ", bit " + bit)
              .isInstanceOf(IssuanceException.class);
        }
      }
    }
    assertThat(free).isEqualTo(8 * (26 + 28));
  }

  @Test
  void octetsThatAreNoCertificateAreStopped() {
    for (byte[] octets : new byte[][] {{}, {0}, {0x30, 0}, {0x30, (byte) 0x84, 127, 1, 1, 1}}) {
      assertThatThrownBy(() -> check(octets, expected(Role.ISSUING, signer)))
          .isInstanceOf(IssuanceException.class);
    }
  }
}
