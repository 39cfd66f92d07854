package dev.vouchsafe.ca;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.trust.TrustBundleStore;
import dev.vouchsafe.trust.TrustBundles;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A root that was made with openssl and taken in, replaced by one that is made here: at every
 * moment openssl and GnuTLS, who trust one top only, believe the chain as it is handed over.
 */
class ImportedRootRotationTest {
  private static final Duration REFRESH = Duration.ofSeconds(1);

  /** All that these roots' constraints permit. */
  private static final Grant GRANT =
      TestCa.grant(List.of("gateway.local"), List.of("192.168.1.10"));

  @TempDir Path folder;
  private OpensslCa openssl;
  private @Nullable TestCa opened;
  private @Nullable TrustBundles published;

  @BeforeEach
  void prepare() {
    openssl = new OpensslCa(folder);
  }

  @AfterEach
  void close() {
    if (opened != null) {
      opened.close();
    }
  }

  private TestCa ca() {
    return Objects.requireNonNull(opened);
  }

  private TrustBundles bundles() {
    return Objects.requireNonNull(published);
  }

  /**
   * openssl of this age makes certificates from the present on only: it is past that here. But not
   * by the minute by which leaves are back-dated, since openssl looks at them in the present.
   */
  private static Instant present() {
    return Instant.now().plusSeconds(10);
  }

  /** Takes in a CA with its key, which openssl has in those files. */
  private void take(String key, String... certificates) throws Exception {
    ImportedRoot root =
        ImportedRoot.read(
            openssl.together(certificates),
            Optional.of(openssl.read(key + ".key")),
            null,
            TestCa.CRYPTO);
    Instant now = present();
    CaSettings settings = TestCa.settings(folder);
    CertificateAuthorities.create(
        settings, TestCa.stores(settings), TestCa.CRYPTO, () -> now, new RootSource.Import(root));
    opened = TestCa.reopened(settings, now);
    published =
        TrustBundleStore.create(folder.resolve("bundle.json"), REFRESH, List.of(root.anchor()));
    ca().reopen(
            new RootBundle(
                bundles(),
                TrustBundleStore.readers(
                    folder.resolve("readers.json"), 1, ca().clock, ca().clock::nanoTime)));
  }

  private AuthorityChanges changes() {
    return ca().ca().changes().by("uid 0");
  }

  private X509Certificate root(String id) {
    return ca().ca().authorities().stream()
        .filter(it -> it.id().equals(id))
        .findAny()
        .orElseThrow()
        .certificate();
  }

  /** Everybody who trusts only that one, or that one, believes what is issued now. */
  private void assertBelieved(String... tops) throws Exception {
    for (Profile profile : List.of(Profile.IDENTITY, Profile.SERVER)) {
      IssuedCertificate issued = ca().issue(GRANT, CertificateRequest.of(profile));
      openssl.write("chain.pem", issued.certificatePem());
      StringBuilder rest = new StringBuilder();
      for (X509Certificate each : TestCa.chain(issued).stream().skip(1).toList()) {
        rest.append(Pem.certificate(each.getEncoded()));
      }
      openssl.write("rest.pem", rest.toString());
      openssl.write("leaf.key", issued.privateKeyPem().orElseThrow());
      for (String top : tops) {
        assertThat(
                openssl.openssl(
                    "verify",
                    "-x509_strict",
                    "-purpose",
                    "sslserver",
                    "-verify_hostname",
                    "gateway.local",
                    "-CAfile",
                    top + ".pem",
                    "-untrusted",
                    "chain.pem",
                    "chain.pem"))
            .contains("chain.pem: OK");
        assertThat(
                openssl.run(
                    "certtool",
                    "--verify",
                    "--verify-hostname=gateway.local",
                    "--load-ca-certificate=" + top + ".pem",
                    "--infile=chain.pem"))
            .contains("The certificate is trusted");
        assertThat(handshake(top)).contains("Verification: OK");
      }
    }
  }

  /** What s_client says of a server that shows chain.pem, trusting that one only. */
  private String handshake(String top) throws Exception {
    Process server =
        new ProcessBuilder(
                "openssl",
                "s_server",
                "-accept",
                "127.0.0.1:0",
                "-naccept",
                "1",
                "-cert",
                "chain.pem",
                "-cert_chain",
                "rest.pem",
                "-key",
                "leaf.key",
                "-no_ticket")
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .start();
    try (BufferedReader said = server.inputReader(US_ASCII)) {
      return openssl.openssl(
          "s_client",
          "-connect",
          "127.0.0.1:" + port(said),
          "-CAfile",
          top + ".pem",
          "-no-CApath",
          "-verify_hostname",
          "gateway.local",
          "-verify_return_error",
          "-brief");
    } finally {
      server.destroyForcibly().waitFor();
    }
  }

  private static String port(BufferedReader said) throws IOException {
    for (String line = said.readLine(); line != null; line = said.readLine()) {
      if (line.startsWith("ACCEPT ")) {
        return line.substring(line.lastIndexOf(':') + 1);
      }
    }
    throw new IOException("openssl s_server did not start");
  }

  private void write(String name, X509Certificate certificate) throws Exception {
    openssl.write(name + ".pem", Pem.certificate(certificate.getEncoded()));
  }

  /**
   * From its preparation to the old one's end, and after a restart.
   *
   * @param backwards whether those who know only the new root believe the old one while it issues
   */
  private void rotate(String top, boolean backwards) throws Exception {
    assertBelieved(top);
    assertThat(changes().prepare(Role.ROOT, Optional.empty()).id()).isEqualTo("root-2");
    assertBelieved(top);
    write("new", root("root-2"));
    changes().publish("root-2");
    assertThat(bundles().current().roots()).hasSize(2);
    assertBelieved(top);
    if (backwards) {
      assertBelieved("new");
    }
    ca().clock.pass(REFRESH.multipliedBy(5));
    assertThat(changes().activate("root-2").state()).isEqualTo(State.ACTIVE);
    assertBelieved(top, "new");
    ca().reopen();
    assertBelieved(top, "new");
    changes().retire("root-1", true);
    assertThat(bundles().current().roots()).containsExactly(root("root-2"));
    assertBelieved(top, "new");
    assertThat(changes().rotate(Role.DEVICE)).hasSize(2);
    assertBelieved(top, "new");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "P-256 sha256 CA:TRUE",
        "P-384 sha384 CA:TRUE,pathlen:6",
        "2048 sha256 CA:TRUE,pathlen:7",
      })
  void aRootOfOpensslIsFollowedByOneThatIsMadeHere(String kind) throws Exception {
    String[] words = kind.split(" ", -1);
    openssl.key("root", words[0]);
    openssl.selfSigned("root", words[1], "basicConstraints=critical," + words[2], OpensslCa.USAGE);
    take("root", "root.pem");
    rotate("root", true);
  }

  @Test
  void whatAnImportedRootConstrainsIsConstrainedInEachChainToIt() throws Exception {
    openssl.key("root", "P-256");
    openssl.selfSigned(
        "root",
        "sha256",
        OpensslCa.CA,
        OpensslCa.USAGE,
        "extendedKeyUsage=serverAuth,clientAuth",
        "nameConstraints=critical,permitted;DNS:gateway.local,permitted;IP:192.168.1.0/255.255.255.0");
    take("root", "root.pem");
    rotate("root", true);
    String constraints = "2.5.29.30";
    for (X509Certificate cross : LedgerPeek.crosses(ca().settings.directory())) {
      assertThat(cross.getExtensionValue(constraints))
          .as(cross.getSubjectX500Principal().getName())
          .isEqualTo(root("root-1").getExtensionValue(constraints));
      assertThat(cross.getCriticalExtensionOIDs()).contains(constraints);
    }
    IssuedCertificate other =
        ca().issue(
                TestCa.grant(List.of("elsewhere.example"), List.of()),
                CertificateRequest.of(Profile.IDENTITY));
    openssl.write("other.pem", other.certificatePem());
    assertThatThrownBy(() ->
            openssl.openssl(
                "verify", "-CAfile", "root.pem", "-untrusted", "other.pem", "other.pem"))
        .hasMessageContaining("permitted subtree violation");
  }

  @Test
  void whoTrustsOnlyTheTopOverAnImportedIntermediateFollows() throws Exception {
    openssl.root("top");
    openssl.key("middle", "P-384");
    openssl.signed("middle", "top", "sha256", OpensslCa.CA + ",pathlen:8", OpensslCa.USAGE);
    openssl.key("plant", "P-256");
    openssl.signed("plant", "middle", "sha384", OpensslCa.CA + ",pathlen:7", OpensslCa.USAGE);
    take("plant", "plant.pem", "middle.pem", "top.pem");
    X509Certificate top = bundles().current().roots().getFirst();
    assertBelieved("top");
    changes().prepare(Role.ROOT, Optional.empty());
    write("new", root("root-2"));
    changes().publish("root-2");
    assertBelieved("top");
    ca().clock.pass(REFRESH.multipliedBy(5));
    changes().activate("root-2");
    openssl.write("both.pem", new String(openssl.together("new.pem", "top.pem"), US_ASCII));
    assertBelieved("top", "both");
    ca().reopen();
    assertBelieved("top", "both");
    WholeChain whole =
        WholeChain.of(
            ca().issue(GRANT, CertificateRequest.of(Profile.SERVER)),
            List.of(top),
            ca().clock.instant());
    assertThat(whole.size()).isEqualTo(5);
    assertThat(whole.isBelievedBy(top)).isTrue();
    String waits = "those who know only what is over root-1 follow by it until ";
    assertThat(changes().standing().root().steps().getFirst().waitsFor())
        .anySatisfy(it -> assertThat(it).startsWith(waits));
    assertThat(changes().retire("root-1", true).breaks())
        .anySatisfy(it -> assertThat(it).startsWith(waits));
    assertBelieved("new");
  }

  @Test
  void ofThreeRootsInARowEverybodyFollowsWhoseRootIsInTheBundleAndOneMore() throws Exception {
    openssl.root("root");
    take("root", "root.pem");
    rotate("root", true);
    changes().prepare(Role.ROOT, Optional.empty());
    write("newer", root("root-3"));
    assertBelieved("root", "new");
    changes().publish("root-3");
    openssl.write("both.pem", new String(openssl.together("newer.pem", "new.pem"), US_ASCII));
    assertBelieved("root", "new", "both");
    ca().clock.pass(REFRESH.multipliedBy(5));
    changes().activate("root-3");
    assertBelieved("root", "new", "both");
    changes().retire("root-2", true);
    assertBelieved("new", "newer");
  }

  @Test
  void whereThePathLengthLeavesNoRoomItIsRefusedAndNothingIsMade() throws Exception {
    openssl.key("root", "P-256");
    openssl.selfSigned(
        "root", "sha256", "basicConstraints=critical,CA:TRUE,pathlen:2", OpensslCa.USAGE);
    ImportedRoot root =
        ImportedRoot.read(
            openssl.read("root.pem"), Optional.of(openssl.read("root.key")), null, TestCa.CRYPTO);
    Instant now = present();
    CaSettings settings = TestCa.settings(folder, Lifetimes.defaults(), KeyType.EC_P256, 5);
    CertificateAuthorities.create(
        settings, TestCa.stores(settings), TestCa.CRYPTO, () -> now, new RootSource.Import(root));
    opened = TestCa.reopened(settings, now);
    assertThatThrownBy(() -> changes().prepare(Role.ROOT, Optional.empty()))
        .hasMessageContaining("path length of root-1 leaves no room")
        .hasMessageContaining("--now");
    assertThat(LedgerPeek.count(settings.directory(), "authority")).isEqualTo(2);
    StepTaken taken = changes().prepare(Role.ROOT, Optional.empty(), true);
    assertThat(taken.authority().id()).isEqualTo("root-2");
    assertThat(taken.breaks())
        .singleElement()
        .asString()
        .startsWith("those who know only root-1 (the path length of root-1 leaves no room");
  }
}
