package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.StatusRuntimeException;
import io.spiffe.bundle.jwtbundle.JwtBundleSet;
import io.spiffe.bundle.x509bundle.X509BundleSet;
import io.spiffe.spiffeid.SpiffeId;
import io.spiffe.spiffeid.TrustDomain;
import io.spiffe.svid.jwtsvid.JwtSvid;
import io.spiffe.svid.x509svid.X509Svid;
import io.spiffe.svid.x509svid.X509SvidValidator;
import io.spiffe.workloadapi.DefaultWorkloadApiClient;
import io.spiffe.workloadapi.Watcher;
import io.spiffe.workloadapi.WorkloadApiClient;
import io.spiffe.workloadapi.X509Context;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The SPIFFE Workload API, asked by the java-spiffe client as it is in Maven Central. */
class SpiffeClientTest {
  private static final TrustDomain DOMAIN = TrustDomain.parse("gw.example");
  private static final String ID = "spiffe://gw.example/edgeHub";

  @TempDir private Path folder;
  private TestHome home;
  private TestServer server;
  private WorkloadApiClient client;

  @BeforeEach
  void start() throws Exception {
    home = TestHome.in(folder);
    server = TestServer.start(home);
    client =
        DefaultWorkloadApiClient.newClient(
            DefaultWorkloadApiClient.ClientOptions.builder()
                .spiffeSocketPath("unix://" + server.spiffe)
                .build());
  }

  @AfterEach
  void stop() throws Exception {
    client.close();
    server.close();
    home.close();
  }

  /** What a watcher is told. */
  private static final class Told<T> implements Watcher<T> {
    private final BlockingQueue<T> updates = new LinkedBlockingQueue<>();
    private final BlockingQueue<Throwable> errors = new LinkedBlockingQueue<>();

    @Override
    public void onUpdate(T update) {
      updates.add(update);
    }

    @Override
    public void onError(Throwable error) {
      errors.add(error);
    }

    T next() throws InterruptedException {
      @Nullable T update = updates.poll(30, TimeUnit.SECONDS);
      assertThat(update).as("errors: %s", errors).isNotNull();
      return update;
    }
  }

  @Test
  void theIdentityVerifiesWithTheBundleThatComesWithIt() throws Exception {
    home.add(TestHome.own("edgeHub"));
    X509Context context = client.fetchX509Context();
    X509Svid svid = context.getDefaultSvid();
    assertThat(svid.getSpiffeId()).isEqualTo(SpiffeId.parse(ID));
    assertThat(svid.getHint()).isEqualTo("edgeHub");
    assertThat(context.getX509Svids()).hasSize(1);
    X509SvidValidator.verifyChain(svid.getChain(), context.getX509BundleSet());
    assertThat(context.getX509BundleSet().getBundleForTrustDomain(DOMAIN).getX509Authorities())
        .containsExactly(home.root());
  }

  @Test
  void whoStandsAsSeveralGetsEachInTheOrderOfTheirNames() throws Exception {
    home.add(TestHome.own("b"));
    home.add(TestHome.own("a"));
    home.add(TestHome.own("0 has no id"));
    assertThat(client.fetchX509Context().getX509Svids())
        .extracting(svid -> svid.getSpiffeId().toString())
        .containsExactly("spiffe://gw.example/a", "spiffe://gw.example/b");
  }

  @Test
  void aSecondCallerIsHandedTheSameCertificate() throws Exception {
    home.add(TestHome.own("edgeHub"));
    X509Svid first = client.fetchX509Context().getDefaultSvid();
    X509Svid second = client.fetchX509Context().getDefaultSvid();
    assertThat(second.getLeaf()).isEqualTo(first.getLeaf());
  }

  @Test
  void aWatcherIsToldOfEachRegistrationThatComesAndGoes() throws Exception {
    home.add(TestHome.own("edgeHub"));
    Told<X509Context> told = new Told<>();
    client.watchX509Context(told);
    assertThat(told.next().getX509Svids()).hasSize(1);
    home.add(TestHome.own("another"));
    assertThat(told.next().getX509Svids())
        .extracting(X509Svid::getHint)
        .containsExactly("another", "edgeHub");
    home.remove("edgeHub");
    assertThat(told.next().getX509Svids()).extracting(X509Svid::getHint).containsExactly("another");
  }

  @Test
  void whoIsNotRegisteredYetIsServedOnceItIs() throws Exception {
    Told<X509Context> told = new Told<>();
    client.watchX509Context(told);
    home.add(TestHome.foreign("other"));
    home.add(TestHome.own("edgeHub"));
    assertThat(told.next().getDefaultSvid().getSpiffeId()).isEqualTo(SpiffeId.parse(ID));
    assertThat(told.errors).isEmpty();
  }

  @Test
  void whoseRegistrationsHaveNoSpiffeIdIsRefused() throws Exception {
    home.add(TestHome.own("has no id"));
    assertThatThrownBy(() -> client.fetchX509Context())
        .hasRootCauseInstanceOf(StatusRuntimeException.class)
        .rootCause()
        .hasMessageContaining("PERMISSION_DENIED");
  }

  @Test
  void aTokenIsForItsAudienceAndValidatedByTheService() throws Exception {
    home.add(TestHome.own("edgeHub", List.of("hub.example", "other.example")));
    JwtSvid token = client.fetchJwtSvid("hub.example", "other.example");
    assertThat(token.getSpiffeId()).isEqualTo(SpiffeId.parse(ID));
    assertThat(token.getAudience()).containsExactlyInAnyOrder("hub.example", "other.example");
    JwtSvid validated = client.validateJwtSvid(token.getToken(), "hub.example");
    assertThat(validated.getSpiffeId()).isEqualTo(SpiffeId.parse(ID));
    JwtBundleSet bundles = client.fetchJwtBundles();
    assertThat(
            JwtSvid.parseAndValidate(
                    token.getToken(),
                    bundles.getBundleForTrustDomain(DOMAIN),
                    Set.of("hub.example"))
                .getSpiffeId())
        .isEqualTo(SpiffeId.parse(ID));
    assertThatThrownBy(() -> client.validateJwtSvid(token.getToken(), "elsewhere.example"))
        .rootCause()
        .hasMessageContaining("INVALID_ARGUMENT");
  }

  @Test
  void anAudienceThatIsNotGrantedIsRefused() throws Exception {
    home.add(TestHome.own("edgeHub", List.of("hub.example")));
    assertThatThrownBy(() -> client.fetchJwtSvid("bank.example"))
        .rootCause()
        .hasMessageContaining("PERMISSION_DENIED");
  }

  @Test
  void bundlesAreForAnybodyAndToldAnewWhenTheyChange() throws Exception {
    Told<X509BundleSet> told = new Told<>();
    client.watchX509Bundles(told);
    assertThat(told.next().getBundleForTrustDomain(DOMAIN).getX509Authorities())
        .containsExactly(home.root());
    // CAs of other servers are never in it; but the version is another one.
    home.addToBundle(List.of(home.root()));
    assertThat(client.fetchX509Bundles().getBundleForTrustDomain(DOMAIN).getX509Authorities())
        .containsExactly(home.root());
  }
}
