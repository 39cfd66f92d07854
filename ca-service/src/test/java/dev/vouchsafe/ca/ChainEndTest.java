package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.keys.KeyType;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Who comes back when he was told to never shows a chain in which something has ended. */
class ChainEndTest {
  @TempDir Path folder;

  /** Old root and new one, a while before the old one ends. */
  private RootHome rotated(IssuingCaSettings.Mode issuing) throws Exception {
    CaSettings plain = TestCa.settings(folder);
    Lifetimes lifetimes =
        new Lifetimes(
            Duration.ofDays(40), Duration.ofDays(30), Duration.ofHours(1), Duration.ofDays(30));
    RootHome home =
        RootHome.in(
            folder,
            new CaSettings(
                plain.directory(),
                plain.identity(),
                lifetimes,
                plain.tokens(),
                plain.rootKey(),
                plain.deviceKey(),
                plain.leafKey(),
                new IssuingCaSettings(issuing, Duration.ofHours(24), Set.of()),
                OptionalLong.empty()));
    home.ca.clock.pass(Duration.ofDays(20));
    home.activate();
    return home;
  }

  private static Instant end(RootHome home) {
    return home.first.getNotAfter().toInstant();
  }

  private static boolean vouches(RootHome home, X509Certificate certificate) {
    return certificate.getIssuerX500Principal().equals(home.first.getSubjectX500Principal());
  }

  @ParameterizedTest
  @EnumSource(
      value = IssuingCaSettings.Mode.class,
      names = {"ON", "OFF"})
  void everyLeafIsRenewedBeforeWhatVouchesInItsChainEnds(IssuingCaSettings.Mode issuing)
      throws Exception {
    try (RootHome home = rotated(issuing)) {
      for (Duration life : List.of(Duration.ofDays(30), Duration.ofHours(1))) {
        Duration before = life.toDays() > 1 ? Duration.ofDays(3) : Duration.ofMinutes(25);
        home.ca.clock.set(end(home).minus(before));
        assertThat(home.issued().certificates()).anyMatch(it -> vouches(home, it));
        int renewals = 0;
        while (home.ca.clock.instant().isBefore(end(home))) {
          IssuedCertificate issued =
              home.ca.issue(TestCa.grantFor(life), CertificateRequest.of(Profile.SERVER));
          assertThat(issued.renewAfter()).isAfter(home.ca.clock.instant());
          assertThat(TestCa.chain(issued))
              .allMatch(it -> it.getNotAfter().toInstant().isAfter(issued.renewAfter()));
          home.ca.clock.set(issued.renewAfter());
          renewals++;
        }
        assertThat(renewals).as("nobody comes again and again").isEqualTo(2);
      }
    }
  }

  @Test
  void theCaOfAGatewayBelowIsRenewedBeforeItTooAndGetsAChainAsItIsThen() throws Exception {
    try (RootHome home = rotated(IssuingCaSettings.Mode.OFF)) {
      ChildCa child =
          new ChildCa(
              "below",
              "1",
              new AuthorityProfile(
                  Profile.CHILD_CA,
                  List.of(KeyType.EC_P256),
                  Duration.ofDays(365),
                  4,
                  AuthorityProfile.Constraints.NONE),
              SubjectPublicKeyInfo.getInstance(
                  TestCa.CRYPTO.generate(KeyType.EC_P256).getPublic().getEncoded()));
      ChildAuthorities children = ((IssuingService) home.ca.ca()).children();
      home.ca.clock.set(end(home).minus(Duration.ofDays(3)));
      IssuedCertificate before = children.certify(child);
      assertThat(TestCa.chain(before)).anyMatch(it -> vouches(home, it));
      assertThat(before.renewAfter()).isBetween(end(home).minus(Vouchers.SOON), end(home));
      home.ca.clock.set(before.renewAfter());
      IssuedCertificate after = children.certify(child);
      assertThat(TestCa.chain(after)).noneMatch(it -> vouches(home, it));
      assertThat(after.renewAfter()).isAfter(end(home));
    }
  }
}
