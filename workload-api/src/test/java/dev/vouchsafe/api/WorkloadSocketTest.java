package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.api.RawClient.Answer;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The modules' socket with everything real behind it. */
class WorkloadSocketTest {
  @TempDir private static Path folder;
  private static TestHome home;
  private TestServer server;

  @BeforeAll
  static void makeHome() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub"));
    home.add(TestHome.foreign("other"));
  }

  @AfterAll
  static void closeHome() {
    home.close();
  }

  @BeforeEach
  void start() throws IOException {
    server = TestServer.start(home);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void aModuleGetsACertificateThatChainsToTheBundle() throws Exception {
    Answer answer =
        RawClient.once(
            server.workload, Bodies.post("/v1/certificates", "{\"profile\":\"identity\"}"));

    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 201 Created");
    JsonNode body = Bodies.read(answer.body());
    X509Certificate[] chain = Pem.chain(body.path("certificate").asText());
    chain[0].verify(chain[1].getPublicKey());
    chain[1].verify(home.root().getPublicKey());
    assertThat(body.path("trustBundle").asText()).isEqualTo(Pem.of(home.root()));
    assertThat(body.path("serial").asText()).isEqualTo(Pem.serial(chain[0]));
    assertThat(body.path("notAfter").asText())
        .isEqualTo(Times.text(chain[0].getNotAfter().toInstant()));
    assertThat(Pem.privateKey(body.path("privateKey").asText(), "EC")).isNotNull();
    assertThat(home.authority.certificate(Pem.serial(chain[0]))).isPresent();
  }

  @Test
  void aModuleLearnsWhoItIs() throws Exception {
    Answer answer = RawClient.once(server.workload, Bodies.get("/v1/identity"));

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body())
        .isEqualTo(
            "{\"module\":\"edgeHub\",\"generation\":\"1\",\"spiffeId\":\"spiffe://gw.example/edgeHub\","
                + "\"attestedBy\":[\"unix:uid:"
                + TestHome.OWN_UID
                + "\"]}");
  }

  @Test
  void anyoneGetsTheTrustBundle() throws Exception {
    Answer answer = RawClient.once(server.workload, Bodies.get("/v1/trust-bundle"));

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo(Pem.of(home.root()));
  }
}
