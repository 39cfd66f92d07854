package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jose.util.Resource;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import dev.vouchsafe.ca.TokenRequest;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A service that knows an address only, and verifies tokens by OpenID Connect discovery. */
class OpenIdTest {
  private static final String ISSUER = "https://gw1.example";

  @TempDir private Path folder;

  /** As a proxy at the issuer's address would: its paths are those of the gateway. */
  private static final class Proxy extends DefaultResourceRetriever {
    private final int port;

    Proxy(TestHome home, int port) throws Exception {
      super(10_000, 10_000, 100_000, true, trusting(home).getSocketFactory());
      this.port = port;
    }

    private static SSLContext trusting(TestHome home) throws Exception {
      KeyStore roots = KeyStore.getInstance("PKCS12");
      roots.load(null, null);
      roots.setCertificateEntry("root", home.root());
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(roots);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return context;
    }

    @Override
    public Resource retrieveResource(URL url) throws IOException {
      String address = url.toString();
      assertThat(address).startsWith(ISSUER + "/");
      String path = address.substring(ISSUER.length());
      return super.retrieveResource(URI.create("https://localhost:" + port + path).toURL());
    }
  }

  @Test
  void aTokenIsVerifiedByWhatItsIssuerSaysAboutItself() throws Exception {
    try (TestHome home = TestHome.issuingAs(folder, ISSUER);
        TestServer server = TestServer.withHttps(home, home.parts(), TestServer.QUICK)) {
      Proxy proxy = new Proxy(home, server.port());
      JsonNode found =
          new ObjectMapper()
              .readTree(
                  proxy
                      .retrieveResource(
                          URI.create(ISSUER + "/.well-known/openid-configuration").toURL())
                      .getContent());
      assertThat(found.path("issuer").asText()).isEqualTo(ISSUER);
      DefaultJWTProcessor<SecurityContext> service = new DefaultJWTProcessor<>();
      service.setJWSKeySelector(
          new JWSVerificationKeySelector<>(
              Set.of(
                  JWSAlgorithm.parse(
                      found.path("id_token_signing_alg_values_supported").path(0).asText())),
              JWKSourceBuilder.create(URI.create(found.path("jwks_uri").asText()).toURL(), proxy)
                  .build()));
      service.setJWTClaimsSetVerifier(
          new DefaultJWTClaimsVerifier<>(
              "hub.example",
              new JWTClaimsSet.Builder().issuer(ISSUER).build(),
              Set.of("sub", "exp", "iat", "jti")));
      assertThat(service.process(token(home, "hub.example"), null).getSubject())
          .isEqualTo("spiffe://gw.example/edgeHub");
      String forAnother = token(home, "other.example");
      assertThatThrownBy(() -> service.process(forAnother, null))
          .isInstanceOf(BadJOSEException.class);
    }
  }

  private static String token(TestHome home, String audience) throws Exception {
    return home.authority
        .tokens()
        .issue(
            Grants.of(
                TestHome.IDENTITY,
                TestHome.own("edgeHub", List.of("hub.example", "other.example"))),
            new TokenRequest(List.of(audience), Optional.empty()))
        .get()
        .token();
  }

  @Test
  void withoutAnAddressThereIsNothingToDiscover() throws Exception {
    try (TestHome home = TestHome.in(folder);
        TestServer server = TestServer.withHttps(home, home.parts(), TestServer.QUICK)) {
      Proxy proxy = new Proxy(home, server.port());
      URL address = URI.create(ISSUER + "/.well-known/openid-configuration").toURL();
      assertThatThrownBy(() -> proxy.retrieveResource(address)).isInstanceOf(IOException.class);
    }
  }
}
