package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Requests, octet for octet as the published module SDKs of the IoT Edge Workload API send them,
 * are answered in the way that those clients can read: each of them parses HTTP by its own means.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SdkRequestsTest {
  private static final String GENERATION = "637421";

  private final GatewayHome home;
  private final RunningGateway gateway;

  SdkRequestsTest() throws IOException, InterruptedException {
    home = GatewayHome.initialised();
    gateway = home.serve();
  }

  @BeforeAll
  void register() throws IOException, InterruptedException {
    for (String name : List.of("$edgeHub", "mod 1$x", "plain")) {
      home.addModule(
          name,
          "--generation",
          GENERATION,
          "--profile",
          "identity",
          "--profile",
          "server",
          "--dns",
          "gateway.local");
    }
  }

  @AfterAll
  void end() throws IOException {
    gateway.close();
    home.close();
  }

  /** How each SDK asks for the trust bundle. */
  enum TrustBundleRequest {
    NODE(
        """
        GET /trust-bundle?api-version=2018-06-28 HTTP/1.1
        User-Agent: azure-iot-device/1.18.4
        Request-Id: 6b8b7a3e-4a0e-4f0b-9f3c-8a7a5d1c2b10
        Host: localhost
        Connection: keep-alive

        """,
        SdkReader.NODE),
    PYTHON(
        """
        GET /trust-bundle?api-version=2022-08-03 HTTP/1.1
        Host: localhost
        User-Agent: azure-iot-device-iothub-py%2F2.14.0
        Accept-Encoding: gzip, deflate
        Accept: */*
        Connection: keep-alive

        """,
        SdkReader.PYTHON),
    JAVA(
        """
        GET /trust-bundle?api-version=2018-06-28 HTTP/1.1
        Host: /var/run/iotedge/workload.sock
        Accept: application/json
        Connection: close

        """,
        SdkReader.JAVA),
    C(
        """
        GET /trust-bundle?api-version=2018-06-28 HTTP/1.1
        Host: /var/run/iotedge/workload.sock:0
        content-length: 0

        """,
        SdkReader.C),
    C_SHARP(
        """
        GET /trust-bundle?api-version=2018-06-28 HTTP/1.1
        Host: workload.sock:80
        Connection: close
        Accept: application/json

        """,
        SdkReader.C_SHARP);

    private final String request;
    private final SdkReader reader;

    TrustBundleRequest(String request, SdkReader reader) {
      this.request = wire(request);
      this.reader = reader;
    }
  }

  @ParameterizedTest
  @EnumSource(TrustBundleRequest.class)
  void theTrustBundleReachesTheSdk(TrustBundleRequest sdk) throws Exception {
    SdkReader.SdkAnswer answer = sdk.reader.ask(home.workloadSocket(), List.of(sdk.request));
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.header("content-type")).isEqualTo("application/json");
    assertThat(Certificates.read(answer.text("certificate"))).hasSize(1);
    String manifest = sdk.request.replace("/trust-bundle", "/manifest-trust-bundle");
    assertThat(sdk.reader.ask(home.workloadSocket(), List.of(manifest)).body())
        .isEqualTo("{\"certificate\":\"\"}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2018-06-28",
        "2019-01-30",
        "2019-10-22",
        "2019-11-05",
        "2020-07-07",
        "2021-12-07",
        "2022-08-03"
      })
  void everyVersionOfTheApiIsServed(String version) throws Exception {
    try (UnixHttp connection = gateway.connect()) {
      assertThat(connection.get("/trust-bundle?api-version=" + version).status()).isEqualTo(200);
    }
  }

  /** How modules, SDKs and the edge runtime ask for a server certificate. */
  enum ServerCertificateRequest {
    /** The edge runtime's hub: head and body in two writes, and the dollar escaped. */
    EDGE_HUB(
        """
        POST /modules/%24edgeHub/genid/637421/certificate/server?api-version=2020-07-07 HTTP/1.1
        Host: workload.sock:80
        Connection: close
        Accept: application/json
        Content-Type: application/json
        Content-Length: LENGTH

        """,
        "{\"commonName\":\"gateway.local\",\"expiration\":\"2031-02-21T10:00:00.0000000Z\"}"),
    /** In the way of the C client: the dollar as it is, names in lower case. */
    C(
        """
        POST /modules/$edgeHub/genid/637421/certificate/server?api-version=2018-06-28 HTTP/1.1
        Host: /var/run/iotedge/workload.sock:0
        Content-Type: application/json; charset=utf-8
        content-length: LENGTH

        """,
        "{\"commonName\":\"gateway.local\",\"expiration\":\"2031-02-21T10:00:00Z\"}"),
    /** In the way of Python's requests with a plain body: no content type. */
    PYTHON(
        """
        POST /modules/mod%201%24x/genid/637421/certificate/server?api-version=2022-08-03 HTTP/1.1
        Host: localhost
        User-Agent: azure-iot-device-iothub-py%2F2.14.0
        Accept-Encoding: gzip, deflate
        Accept: */*
        Connection: keep-alive
        Content-Length: LENGTH

        """,
        "{\"commonName\": \"gateway.local\", \"expiration\": \"2031-02-21T10:00:00Z\"}"),
    /** In the way of the Java client: one write, and an unknown field. */
    JAVA(
        """
        POST /modules/plain/genid/637421/certificate/server?api-version=2018-06-28 HTTP/1.1
        Host: /var/run/iotedge/workload.sock
        Accept: application/json
        Content-Type: application/json
        Connection: close
        Content-Length: LENGTH

        """,
        "{\"commonName\":\"gateway.local\",\"expiration\":\"2031-02-21T10:00:00Z\",\"keyId\":\"primary\"}");

    private final String head;
    private final String body;

    ServerCertificateRequest(String head, String body) {
      this.head = wire(head.replace("LENGTH", String.valueOf(body.length())));
      this.body = body;
    }
  }

  @ParameterizedTest
  @EnumSource(ServerCertificateRequest.class)
  void aServerCertificateReachesTheModule(ServerCertificateRequest sdk) throws Exception {
    try (UnixHttp connection = gateway.connect()) {
      connection.send(sdk.head);
      connection.send(sdk.body);
      UnixHttp.Answer answer = connection.receive();
      assertThat(answer.status()).as(answer.body()).isEqualTo(201);
      assertReadable(answer);
      assertUsable(answer);
    }
  }

  private void assertUsable(UnixHttp.Answer answer) throws IOException, GeneralSecurityException {
    List<X509Certificate> chain = Certificates.read(answer.text("certificate"));
    try (UnixHttp connection = gateway.connect()) {
      Certificates.verify(
          chain,
          Certificates.read(
              connection.get("/trust-bundle?api-version=2018-06-28").text("certificate")));
    }
    assertThat(Certificates.names(chain.getFirst())).containsExactly("gateway.local");
    assertThat(answer.text("privateKey", "type")).isEqualTo("key");
    assertThat(answer.text("privateKey", "bytes")).startsWith("-----BEGIN ");
    assertThat(answer.text("expiration"))
        .isEqualTo(chain.getFirst().getNotAfter().toInstant().toString().replace("Z", "+00:00"));
  }

  @Test
  void anIdentityCertificateNeedsNoBody() throws Exception {
    try (UnixHttp connection = gateway.connect()) {
      UnixHttp.Answer answer =
          connection.exchange(
              wire(
                  """
                  POST /modules/plain/certificate/identity?api-version=2019-01-30 HTTP/1.1
                  Host: localhost
                  content-length: 0

                  """));
      assertThat(answer.status()).as(answer.body()).isEqualTo(201);
      assertReadable(answer);
      assertThat(Certificates.names(Certificates.read(answer.text("certificate")).getFirst()))
          .contains("spiffe://gw.example/plain");
    }
  }

  @Test
  void aRequestThatComesOctetByOctetIsTheSameRequest() throws Exception {
    try (UnixHttp connection = gateway.connect()) {
      for (char octet : TrustBundleRequest.JAVA.request.toCharArray()) {
        connection.send(String.valueOf(octet));
      }
      assertThat(connection.receive().status()).isEqualTo(200);
    }
  }

  @Test
  void anErrorIsAMessageInJson() throws Exception {
    try (UnixHttp connection = gateway.connect()) {
      UnixHttp.Answer answer = connection.get("/trust-bundle?api-version=1999-01-01");
      assertThat(answer.status()).isEqualTo(400);
      assertReadable(answer);
      assertThat(answer.text("message")).contains("1999-01-01");
      assertThat(connection.get("/trust-bundle").status()).isEqualTo(400);
      assertThat(connection.get("/nothing?api-version=2018-06-28").status()).isEqualTo(404);
    }
  }

  /** What at least one of the clients needs to read an answer at all. */
  private static void assertReadable(UnixHttp.Answer answer) {
    assertThat(answer.headers())
        .containsKey("content-length")
        .doesNotContainKey("transfer-encoding")
        .doesNotContainKey("content-encoding");
    assertThat(answer.header("content-type")).startsWith("application/json");
    assertThat(answer.reason()).as("one word, for the Java client").matches("[A-Za-z]+");
    assertThat(answer.body()).as("one line of ASCII").matches("[ -~]+");
  }

  private static String wire(String request) {
    return request.replace("\n", "\r\n");
  }
}
