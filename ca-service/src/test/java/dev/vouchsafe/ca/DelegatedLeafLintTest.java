package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.IssuingCaSettings.Mode;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.keys.KeyType;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Leaves of an issuing CA say that there is no revocation information; no other leaf does. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DelegatedLeafLintTest {
  /** The extension as RFC 9608 section 2 has it: not critical, NULL. */
  private static final String NO_REV_AVAIL = "3009" + "0603551d38" + "0402" + "0500";

  private static final Grant GRANT = TestCa.grant();

  private final SubjectPublicKeyInfo key =
      SubjectPublicKeyInfo.getInstance(
          TestCa.CRYPTO.generate(KeyType.EC_P256).getPublic().getEncoded());
  private final byte[] serial = new Serials().next(TestCa.NOW);
  private Issuer device;
  private Issuer delegate;

  @BeforeAll
  void makeIssuers(@TempDir Path folder) throws Exception {
    IssuingCaSettings issuing = new IssuingCaSettings(Mode.ON, Duration.ofHours(24), Set.of());
    try (TestCa ca = TestCa.with(TestCa.settings(folder, issuing))) {
      ca.issue(GRANT, CertificateRequest.of(Profile.SERVER));
      device = new Issuer("device-1", "gw.example", KeyType.EC_P256, ca.device());
      AuthorityInfo info = ca.active(AuthorityInfo.Role.ISSUING);
      AuthorityRow row =
          new AuthorityRow(
              3, info.role(), 1, info.keyStore(), KeyType.EC_P256, AuthorityInfo.State.ACTIVE);
      delegate = Issuer.ofDelegate(new StoredAuthority(row, info.certificate()), device);
    }
  }

  private byte[] build(Issuer by, Duration life) {
    Instant begin = TestCa.NOW.truncatedTo(ChronoUnit.SECONDS);
    LeafPlan plan =
        new LeafPlan(
            TestCa.leaf(Profile.SERVER),
            TestCa.subject("gateway.local"),
            List.of(new SanName.Dns("gateway.local")),
            begin,
            begin.plus(life),
            begin);
    return new LeafBuilder(by).tbs(plan, serial, key, KeyType.EC_P256);
  }

  private void check(Issuer by, byte[] tbs) throws IssuanceException {
    new LeafLint(by)
        .check(
            tbs,
            serial,
            new LeafLint.Expected(
                GRANT,
                TestCa.leaf(Profile.SERVER),
                new NameGate(GRANT, TestCa.leaf(Profile.SERVER)),
                key,
                KeyType.EC_P256,
                TestCa.GATEWAY,
                TestCa.NOW));
  }

  private void assertLint(Issuer by, byte[] tbs) {
    Refusals.assertRefused(Reason.LINT, () -> check(by, tbs));
  }

  @Test
  void theExtensionIsThereExactlyUnderAnIssuingCa() throws Exception {
    byte[] delegated = build(delegate, Duration.ofHours(1));
    byte[] direct = build(device, Duration.ofHours(1));
    assertThat(HexFormat.of().formatHex(delegated)).contains(NO_REV_AVAIL);
    assertThat(HexFormat.of().formatHex(direct)).doesNotContain("0603551d38");
    check(delegate, delegated);
    check(device, direct);
  }

  @Test
  void aLeafOfTheOneIsNotTakenForALeafOfTheOther() {
    assertLint(device, build(delegate, Duration.ofHours(1)));
    assertLint(delegate, build(device, Duration.ofHours(1)));
  }

  @Test
  void aProfileThatTheDeviceCaIsToSignIsSignedByNoIssuingCa() throws Exception {
    byte[] tbs = build(delegate, Duration.ofHours(1));
    check(delegate.without(Set.of(Profile.IDENTITY)), tbs);
    assertLint(delegate.without(Set.of(Profile.SERVER)), tbs);
  }

  @Test
  void oneThatOutlivesTheIssuingCaIsStoppedUnderTheCap() throws Exception {
    check(delegate, build(delegate, Duration.ofHours(24)));
    assertLint(delegate, build(delegate, Duration.ofHours(24).plusSeconds(1)));
  }

  @Test
  void changingAnyBitIsFoundOut() throws Exception {
    byte[] good = build(delegate, Duration.ofHours(1));
    int extension = HexFormat.of().formatHex(good).indexOf(NO_REV_AVAIL) / 2;
    assertThat(extension).isPositive();
    for (int i = extension; i < good.length; i++) {
      for (int bit = 0; bit < 8; bit++) {
        byte[] bad = good.clone();
        bad[i] ^= (byte) (1 << bit);
        assertLint(delegate, bad);
      }
    }
  }
}
