package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A grant that names the subject, as the gateway's own registration does. */
class CommonNameTest {
  private static final Grant DEVICE = grant("gw1", List.of("gateway.local"));

  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.in(folder);
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private static Grant grant(String commonName, List<String> dns) {
    return new Grant(
        "device",
        "0",
        Set.of(Profile.IDENTITY, Profile.SERVER),
        dns,
        List.of(),
        Optional.of("spiffe://gw.example/device"),
        Optional.of(commonName),
        List.of(),
        Optional.empty());
  }

  private static CertificateRequest asking(Profile profile, String commonName) {
    return new CertificateRequest(
        profile,
        Optional.empty(),
        Optional.of(commonName),
        List.of(),
        List.of(),
        Optional.empty(),
        Optional.empty());
  }

  private String subject(Grant grant, CertificateRequest request) throws Exception {
    return ca.leaf(grant, request).getSubjectX500Principal().getName();
  }

  @Test
  void anIdentityHasTheGivenSubjectWhenNoneIsAskedFor() throws Exception {
    assertThat(subject(DEVICE, CertificateRequest.of(Profile.IDENTITY))).isEqualTo("CN=gw1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"gw1", "device"})
  void askingForOnesOwnNameGivesTheSubjectAndNoSan(String asked) throws Exception {
    var leaf = ca.leaf(DEVICE, asking(Profile.IDENTITY, asked));
    assertThat(leaf.getSubjectX500Principal().getName()).isEqualTo("CN=gw1");
    assertThat(leaf.getSubjectAlternativeNames())
        .containsExactlyInAnyOrder(
            List.of(2, "gateway.local"), List.of(6, "spiffe://gw.example/device"));
  }

  @Test
  void aCsrMayNameItToo() throws Exception {
    CertificateRequest request =
        new CertificateRequest(
            Profile.IDENTITY,
            Optional.of(new TestCsr().subject("CN=gw1").pem()),
            Optional.empty(),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty());
    assertThat(subject(DEVICE, request)).isEqualTo("CN=gw1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"GW1", "gw1 ", "gw2", "gw", "$gw1", "gw1.local", "", "*"})
  void anotherNameThatLooksLikeItIsRefused(String asked) throws Exception {
    Refusals.assertNothingIssued(
        ca, Reason.NAME_NOT_GRANTED, DEVICE, asking(Profile.IDENTITY, asked));
  }

  @Test
  void aServerCertificateGetsNoNameFromIt() throws Exception {
    assertThat(subject(DEVICE, CertificateRequest.of(Profile.SERVER)))
        .isEqualTo("CN=gateway.local");
    Refusals.assertNothingIssued(
        ca, Reason.NAME_NOT_GRANTED, DEVICE, asking(Profile.SERVER, "gw1"));
    Refusals.assertNothingIssued(
        ca, Reason.NO_NAME, grant("gw1.local", List.of()), CertificateRequest.of(Profile.SERVER));
  }

  @Test
  void aGrantedDnsNameIsStillASubject() throws Exception {
    var leaf = ca.leaf(DEVICE, asking(Profile.IDENTITY, "gateway.local"));
    assertThat(leaf.getSubjectX500Principal().getName()).isEqualTo("CN=gateway.local");
  }

  private static Grant module(String name, String... dns) {
    return new Grant(
        name,
        "1",
        Set.of(Profile.IDENTITY, Profile.SERVER),
        List.of(dns),
        List.of(),
        Optional.empty(),
        Optional.empty(),
        List.of(),
        Optional.empty());
  }

  @ParameterizedTest
  @ValueSource(strings = {"gw1", "GW1", "Gw1"})
  void aModuleOfTheDevicesNameGetsNoIdentityThatCouldPassForTheGateway(String name)
      throws Exception {
    Grant named = module(name, "other.local");
    Refusals.assertNothingIssued(
        ca, Reason.NAME_NOT_GRANTED, named, CertificateRequest.of(Profile.IDENTITY));
    Refusals.assertNothingIssued(
        ca, Reason.NAME_NOT_GRANTED, named, asking(Profile.IDENTITY, name));
    assertThatThrownBy(() -> ca.leaf(named, CertificateRequest.of(Profile.IDENTITY)))
        .hasStackTraceContaining("is the device id");
    assertThat(subject(named, asking(Profile.IDENTITY, "other.local"))).isEqualTo("CN=other.local");
    assertThat(subject(named, CertificateRequest.of(Profile.SERVER))).isEqualTo("CN=other.local");
  }

  @Test
  void aGrantedDnsNameThatIsTheDeviceIdIsNoSubjectOfAnIdentityEither() throws Exception {
    Grant named = module("m", "gw1");
    for (String asked : List.of("gw1", "GW1")) {
      Refusals.assertNothingIssued(
          ca, Reason.NAME_NOT_GRANTED, named, asking(Profile.IDENTITY, asked));
    }
    CertificateRequest csr =
        new CertificateRequest(
            Profile.IDENTITY,
            Optional.of(new TestCsr().subject("CN=gw1").pem()),
            Optional.empty(),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty());
    Refusals.assertNothingIssued(ca, Reason.NAME_NOT_GRANTED, named, csr);
    assertThat(subject(named, CertificateRequest.of(Profile.IDENTITY))).isEqualTo("CN=m");
    assertThat(subject(named, CertificateRequest.of(Profile.SERVER))).isEqualTo("CN=gw1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"gw", "gw11", "$gw1", "gw1.local", "gw2"})
  void aModuleWhoseNameOnlyBeginsLikeItHasItsIdentity(String name) throws Exception {
    assertThat(subject(module(name), CertificateRequest.of(Profile.IDENTITY)))
        .isEqualTo("CN=" + name);
  }

  @Test
  void aLongOneIsCutToWhatASubjectHolds() throws Exception {
    assertThat(subject(grant("g".repeat(100), List.of()), CertificateRequest.of(Profile.IDENTITY)))
        .isEqualTo("CN=" + "g".repeat(64));
  }
}
