package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.tests.SdkReader.SdkAnswer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the published module SDKs and the edge runtime ask a module's keys for, octet for octet, in
 * one packet and in many, and read as each of them reads.
 */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SdkKeysTest {
  private static final String GENERATION = "637421";
  private static final String SPACED = "mod 1$x";
  private static final String HUB_MODULE = "$edgeHub";
  private static final String AGENT = "$edgeAgent";

  private final GatewayHome home;
  private final RunningGateway gateway;

  SdkKeysTest() throws IOException, InterruptedException {
    home = GatewayHome.initialised();
    gateway = home.serve();
  }

  @BeforeAll
  void register() throws IOException, InterruptedException {
    for (String name : List.of(HUB_MODULE, SPACED, AGENT)) {
      home.addModule(
          name, "--generation", GENERATION, "--profile", "server", "--dns", "gateway.local");
    }
  }

  @AfterAll
  void end() throws IOException {
    gateway.close();
    home.close();
  }

  /** How each SDK asks for a signature, over the text that it makes of its scope and an expiry. */
  enum SignRequest {
    NODE(
        SdkReader.NODE,
        SPACED,
        """
        POST /modules/mod%201%24x/genid/637421/sign?api-version=2018-06-28 HTTP/1.1
        Content-Type: application/json
        Content-Length: LENGTH
        Request-Id: 6b8b7a3e-4a0e-4f0b-9f3c-8a7a5d1c2b10
        User-Agent: azure-iot-device/1.18.4
        Host: localhost
        Connection: keep-alive

        """,
        "{\"keyId\":\"primary\",\"algo\":\"HMACSHA256\",\"data\":\"DATA\"}",
        "hub.example%2Fdevices%2Fgw%2Fmodules%2Fmod%201%24x\n1924992000"),
    /** No content type; blanks in its JSON. */
    PYTHON(
        SdkReader.PYTHON,
        SPACED,
        """
        POST /modules/mod%201%24x/genid/637421/sign?api-version=2022-08-03 HTTP/1.1
        Host: localhost
        User-Agent: azure-iot-device-iothub-py%2F2.14.0%20%28python%203.11.2%3B%20Linux%29
        Accept-Encoding: gzip, deflate
        Accept: */*
        Connection: keep-alive
        Content-Length: LENGTH

        """,
        "{\"keyId\": \"primary\", \"algo\": \"HMACSHA256\", \"data\": \"DATA\"}",
        "hub.example%2Fdevices%2Fgw%2Fmodules%2Fmod%201%24x\n1924992000"),
    /** A space as a plus; and Gson writes an equals sign as an escape. */
    JAVA(
        SdkReader.JAVA,
        SPACED,
        """
        POST /modules/mod+1%24x/genid/637421/sign?api-version=2018-06-28 HTTP/1.1
        Host: /var/run/iotedge/workload.sock
        Accept: application/json
        Content-Type: application/json
        Connection: close
        Content-Length: LENGTH

        """,
        "{\"keyId\":\"primary\",\"algo\":\"HMACSHA256\",\"data\":\"DATA\"}",
        "hub.example%2Fdevices%2Fgw%2Fmodules%2Fmod+1%24x\n1924992000"),
    /** The dollar as it is, hex in lower case, the JSON as its parson library lays it out. */
    C(
        SdkReader.C,
        HUB_MODULE,
        """
        POST /modules/$edgeHub/genid/637421/sign?api-version=2018-06-28 HTTP/1.1
        Host: /var/run/iotedge/workload.sock:0
        Content-Type: application/json; charset=utf-8
        content-length: LENGTH

        """,
        "{\"keyId\":\"primary\",\"algo\":\"HMACSHA256\",\"data\":\"DATA\"}",
        "hub.example%2fdevices%2fgw%2fmodules%2f%24edgeHub\n1924992000"),
    C_SHARP(
        SdkReader.C_SHARP,
        SPACED,
        """
        POST /modules/mod+1%24x/genid/637421/sign?api-version=2018-06-28 HTTP/1.1
        Host: workload.sock:80
        Connection: close
        Accept: application/json
        Content-Type: application/json
        Content-Length: LENGTH

        """,
        "{\"keyId\":\"primary\",\"algo\":\"HMACSHA256\",\"data\":\"DATA\"}",
        "hub.example%2Fdevices%2Fgw%2Fmodules%2Fmod%2B1%2524x\n1924992000");

    private final SdkReader reader;
    private final String module;
    private final String request;
    private final String toSign;

    SignRequest(SdkReader reader, String module, String head, String body, String toSign) {
      this.reader = reader;
      this.module = module;
      this.toSign = toSign;
      String data = Base64.getEncoder().encodeToString(toSign.getBytes(StandardCharsets.UTF_8));
      String escaped = reader == SdkReader.JAVA ? data.replace("=", "\\u003d") : data;
      this.request = wire(head, body.replace("DATA", escaped));
    }
  }

  /** How a request is cut into packets. */
  enum Packets {
    ONE(Integer.MAX_VALUE),
    HEAD_AND_BODY(0),
    OF_SEVEN_OCTETS(7),
    OF_ONE_OCTET(1);

    private final int size;

    Packets(int size) {
      this.size = size;
    }

    private List<String> cut(String request) {
      int head = size == 0 ? request.indexOf("\r\n\r\n") + 4 : 0;
      int length = size == 0 ? request.length() : size;
      List<String> packets = new ArrayList<>();
      if (head > 0) {
        packets.add(request.substring(0, head));
      }
      for (int at = head; at < request.length(); at += Math.min(length, request.length() - at)) {
        packets.add(request.substring(at, at + Math.min(length, request.length() - at)));
      }
      return packets;
    }
  }

  static Stream<Arguments> everyClientInEveryWay() {
    return Stream.of(SignRequest.values())
        .flatMap(sdk -> Stream.of(Packets.values()).map(packets -> Arguments.of(sdk, packets)));
  }

  private static String wire(String head, String body) {
    return head.replace("LENGTH", String.valueOf(body.length())).replace("\n", "\r\n") + body;
  }

  private SdkAnswer ask(SdkReader reader, String request, Packets packets) throws IOException {
    return reader.ask(home.workloadSocket(), packets.cut(request));
  }

  /** As somebody checks it to whom an administrator gave the key. */
  private String digest(String module, String toSign) throws IOException, GeneralSecurityException {
    try (UnixHttp admin = new UnixHttp(home.adminSocket())) {
      String path = "/modules/" + module.replace("$", "%24").replace(" ", "%20") + "/key";
      byte[] key = Base64.getDecoder().decode(admin.post(path, "{}").text("key"));
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return Base64.getEncoder()
          .encodeToString(mac.doFinal(toSign.getBytes(StandardCharsets.UTF_8)));
    }
  }

  @ParameterizedTest
  @MethodSource("everyClientInEveryWay")
  void aSignatureReachesTheSdkHoweverItsRequestComesIn(SignRequest sdk, Packets packets)
      throws Exception {
    SdkAnswer answer = ask(sdk.reader, sdk.request, packets);

    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    assertThat(answer.header("content-type")).isEqualTo("application/json");
    assertThat(answer.text("digest")).isEqualTo(digest(sdk.module, sdk.toSign));
  }

  @ParameterizedTest
  @EnumSource(SignRequest.class)
  void aRefusalIsReadableToTheSdkAsWell(SignRequest sdk) throws Exception {
    SdkAnswer forbidden =
        ask(sdk.reader, sdk.request.replace("/genid/637421/", "/genid/1/"), Packets.ONE);
    assertThat(forbidden.status()).isEqualTo(403);
    assertThat(forbidden.text("message")).startsWith("generation-mismatch");
    SdkAnswer unknown = ask(sdk.reader, sdk.request.replace("/sign?", "/sing?"), Packets.ONE);
    assertThat(unknown.status()).isEqualTo(404);
    assertThat(unknown.text("message")).isEqualTo("not found");
    SdkAnswer version =
        ask(sdk.reader, sdk.request.replaceFirst("api-version=[0-9-]+", "a=b"), Packets.ONE);
    assertThat(version.status()).isEqualTo(400);
    assertThat(version.text("message")).isEqualTo("api-version not specified");
  }

  @ParameterizedTest
  @EnumSource(
      value = SignRequest.class,
      names = {"NODE", "PYTHON", "C"})
  void twoRequestsInOnePacketAreTwoRequests(SignRequest sdk) throws Exception {
    try (UnixHttp connection = gateway.connect()) {
      connection.send(sdk.request + sdk.request);
      String digest = digest(sdk.module, sdk.toSign);
      assertThat(connection.receive().text("digest")).isEqualTo(digest);
      assertThat(connection.receive().text("digest")).isEqualTo(digest);
    }
  }

  /** The edge runtime writes head and body apart and reads as the C# SDK does. */
  private SdkAnswer agent(String path, String body) throws IOException {
    String head =
        """
        POST /modules/%24edgeAgent/genid/637421/PATH?api-version=2020-07-07 HTTP/1.1
        Host: workload.sock:80
        Connection: close
        Accept: application/json
        Content-Type: application/json
        Content-Length: LENGTH

        """;
    return ask(SdkReader.C_SHARP, wire(head.replace("PATH", path), body), Packets.HEAD_AND_BODY);
  }

  @Test
  void whatTheEdgeAgentHasEncryptedItCanHaveDecrypted() throws Exception {
    String plaintext =
        Base64.getEncoder()
            .encodeToString("{\"modules\":{}}".repeat(300).getBytes(StandardCharsets.UTF_8));
    String iv = Base64.getEncoder().encodeToString("$edgeAgent".getBytes(StandardCharsets.UTF_8));

    SdkAnswer sealed =
        agent(
            "encrypt",
            "{\"plaintext\":\"" + plaintext + "\",\"initializationVector\":\"" + iv + "\"}");
    assertThat(sealed.status()).as(sealed.body()).isEqualTo(200);
    String ciphertext = sealed.text("ciphertext");
    SdkAnswer opened =
        agent(
            "decrypt",
            "{\"ciphertext\":\"" + ciphertext + "\",\"initializationVector\":\"" + iv + "\"}");
    assertThat(opened.status()).as(opened.body()).isEqualTo(200);
    assertThat(opened.text("plaintext")).isEqualTo(plaintext);
    SdkAnswer other =
        agent("decrypt", "{\"ciphertext\":\"" + ciphertext + "\",\"initializationVector\":\"\"}");
    assertThat(other.status())
        .as("below 500, which the agent would send again and again")
        .isEqualTo(400);
    assertThat(other.text("message")).isNotEmpty();
  }

  @Test
  void theEdgeAgentsServerCertificateIsExactlyA201() throws Exception {
    SdkAnswer answer =
        agent(
            "certificate/server",
            "{\"commonName\":\"gateway.local\",\"expiration\":\"2031-02-21T10:00:00.0000000Z\"}");
    assertThat(answer.status()).as(answer.body()).isEqualTo(201);
    List<X509Certificate> chain = Certificates.read(answer.text("certificate"));
    assertThat(Certificates.names(chain.getFirst())).containsExactly("gateway.local");
    assertThat(answer.text("privateKey", "type")).isEqualTo("key");
  }
}
