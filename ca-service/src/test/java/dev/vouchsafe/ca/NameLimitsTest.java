package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Name constraints as the gate holds them, beside what openssl makes of the same names. */
class NameLimitsTest {
  @TempDir Path folder;
  private OpensslCa openssl;

  @BeforeEach
  void prepare() {
    openssl = new OpensslCa(folder);
  }

  private NameLimits limits(String constraints) throws Exception {
    openssl.key("limited", "P-256");
    openssl.selfSigned(
        "limited",
        "sha256",
        OpensslCa.CA,
        OpensslCa.USAGE,
        "nameConstraints=critical," + constraints);
    return NameLimits.of(OutsideFiles.read(openssl.read("limited.pem"), null).certificates());
  }

  private static SanName name(String text) {
    return NameSyntax.ip(text)
        .map(SanName.class::cast)
        .or(() ->
            text.startsWith("spiffe:") ? Optional.of(new SanName.Uri(text)) : Optional.empty())
        .orElseGet(() -> NameSyntax.dns(text).orElseThrow());
  }

  private boolean opensslBelieves(SanName name) throws Exception {
    String text = name.text().substring(name.text().indexOf(':') + 1);
    String kind = name instanceof SanName.Dns ? "DNS" : name instanceof SanName.Ip ? "IP" : "URI";
    openssl.key("leaf", "P-256");
    openssl.signed(
        "leaf",
        "limited",
        "sha256",
        "basicConstraints=critical,CA:FALSE",
        "subjectAltName=" + kind + ":" + text);
    return new Program(folder)
            .ended("openssl", "verify", "-CAfile", "limited.pem", "leaf.pem")
            .code()
        == 0;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "permitted;DNS:a.local | a.local | true",
        "permitted;DNS:a.local | x.a.local | true",
        "permitted;DNS:a.local | *.a.local | true",
        "permitted;DNS:a.local | xa.local | false",
        "permitted;DNS:a.local | local | false",
        "permitted;DNS:a.local | 10.0.0.1 | true",
        "excluded;DNS:a.local | x.a.local | false",
        "excluded;DNS:a.local | b.local | true",
        "permitted;IP:10.0.0.0/255.0.0.0 | 10.1.2.3 | true",
        "permitted;IP:10.0.0.0/255.0.0.0 | 11.1.2.3 | false",
        "permitted;IP:10.0.0.0/255.0.0.0 | a.local | true",
        "excluded;IP:fd00:0:0:0:0:0:0:0/ffff:0:0:0:0:0:0:0 | fd00::1 | false",
        "permitted;URI:gw.example | spiffe://gw.example/m | true",
        "permitted;URI:gw.example | spiffe://x.gw.example/m | false",
        "permitted;URI:.gw.example | spiffe://x.gw.example/m | true",
        "permitted;URI:.gw.example | spiffe://gw.example/m | false",
        "excluded;URI:gw.example | spiffe://gw.example/m | false",
      })
  void aNameIsForbiddenWhereOpensslWouldNotBelieveIt(
      String constraints, String text, boolean permitted) throws Exception {
    NameLimits limits = limits(constraints);
    assertThat(limits.isNone()).isFalse();
    assertThat(limits.forbids(name(text)).isEmpty()).isEqualTo(permitted);
    assertThat(opensslBelieves(name(text))).isEqualTo(permitted);
    X509Certificate leaf =
        OutsideFiles.read(openssl.read("leaf.pem"), null).certificates().getFirst();
    // The JDK takes the common name for a DNS name where there is none.
    if (name(text) instanceof SanName.Dns || !constraints.contains("DNS")) {
      assertThat(limits.permits(leaf)).isEqualTo(permitted);
    }
  }

  @Test
  void theGateRefusesWhatIsGrantedAndForbiddenAndLeavesItOutOfTheRest() throws Exception {
    NameGate gate =
        new NameGate(
            TestCa.grant(), TestCa.leaf(Profile.SERVER), limits("permitted;DNS:gateway.local"));
    assertThat(gate.dns("a.gateway.local").name()).isEqualTo("a.gateway.local");
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> gate.dns("edgehub"));
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> gate.dns("evil.example"));
    assertThat(gate.allGranted())
        .extracting(SanName::text)
        .containsExactlyInAnyOrder("dns:gateway.local", "ip:192.168.1.10", "ip:fd00::1");
  }

  @Test
  void noNamesAreForbiddenWhereNobodyIsConstrained() throws Exception {
    openssl.root("free");
    NameLimits none =
        NameLimits.of(OutsideFiles.read(openssl.read("free.pem"), null).certificates());
    assertThat(none).isSameAs(NameLimits.NONE);
    assertThat(none.forbids(new SanName.Dns("a.local"))).isEmpty();
  }

  @Test
  void whateverNameIsAskedForIsAnsweredAndNothingThrown() throws Exception {
    NameLimits limits =
        limits("permitted;DNS:a.local,permitted;URI:gw.example,excluded;IP:10.0.0.0/255.0.0.0");
    Random random = new Random(20261125);
    String alphabet = "a.-*local/:@?#[]%0gwexmp";
    for (int round = 0; round < 5000; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(20); i >= 0; i--) {
        text.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      assertThat(limits.forbids(new SanName.Uri("spiffe://" + text))).isNotNull();
      assertThat(limits.forbids(new SanName.Dns(text.toString()))).isNotNull();
    }
    assertThat(List.of(limits.isNone())).containsExactly(false);
  }
}
