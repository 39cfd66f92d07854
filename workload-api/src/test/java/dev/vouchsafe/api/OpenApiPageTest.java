package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.api.RawClient.Answer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/openapi.yaml says is there is there, on the listener that it names. */
class OpenApiPageTest {
  private static final Pattern OPERATION =
      Pattern.compile("(?m)^  (/\\S*):\\n    (get|post):\\n      tags: \\[([A-Za-z0-9, ]+)]$");

  @TempDir private Path folder;

  /** What was encrypted, so that there is something to decrypt. */
  private String ciphertext = "";

  /** Of a token that was issued, so that there is one to revoke. */
  private String tokenId = "";

  private record Operation(String path, String method, String tags) {}

  private static List<Operation> operations() throws IOException {
    Path page = Path.of(System.getProperty("vouchsafe.root", ".."), "docs/openapi.yaml");
    Matcher matcher = OPERATION.matcher(Files.readString(page));
    List<Operation> operations = new ArrayList<>();
    while (matcher.find()) {
      operations.add(
          new Operation(
              matcher.group(1), matcher.group(2).toUpperCase(Locale.ROOT), matcher.group(3)));
    }
    return operations;
  }

  private String request(Operation operation, String serial) {
    String target =
        operation
            .path()
            .replace("{name}", "edgeHub")
            .replace("{genid}", "1")
            .replace("{serial}", serial)
            .replace("{id}", "device-1");
    if (operation.tags().equals("IoT Edge")) {
      target += "?api-version=2018-06-28";
    }
    if (operation.method().equals("GET")) {
      return Bodies.get(target);
    }
    return Bodies.post(target, body(operation));
  }

  private String body(Operation operation) {
    if (operation.path().equals("/revocations/tokens")) {
      return "{\"ids\":[\"" + tokenId + "\"]}";
    }
    return switch (operation.path().substring(operation.path().lastIndexOf('/') + 1)) {
      case "certificates" -> "{\"profile\":\"server\"}";
      case "tokens" -> "{\"audience\":[\"hub.example\"]}";
      case "sign" -> "{\"data\":\"QQ==\"}";
      case "encrypt" -> "{\"plaintext\":\"QQ==\",\"initializationVector\":\"\"}";
      case "decrypt" -> "{\"ciphertext\":\"" + ciphertext + "\",\"initializationVector\":\"\"}";
      case "prepare" -> "{\"authority\":\"device\",\"keyStore\":\"software\"}";
      case "publish", "activate", "retire", "abort", "rotate", "accept", "backup" -> "{}";
      case "certificate" -> "{\"certificates\":\"PEM\"}";
      case "add" -> "{\"certificates\":\"" + ca().replace("\n", "\\n") + "\"}";
      case "remove" -> "{\"id\":\"" + fingerprint(ca()) + "\"}";
      case "explain" -> "{\"pid\":" + ProcessHandle.current().pid() + "}";
      case "allow" -> "{\"module\":\"edgeHub\"}";
      case "key" -> "{\"which\":\"secondary\"}";
      default -> "{\"commonName\":\"gateway.local\"}";
    };
  }

  private static String ca() {
    try (InputStream in = OpenApiPageTest.class.getResourceAsStream("bundle/root-rsa.pem")) {
      return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static String fingerprint(String pem) {
    try {
      return Pem.sha256(Pem.chain(pem)[0]);
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  private static String tokenId(String token) throws IOException {
    byte[] claims = Base64.getUrlDecoder().decode(token.split("\\.", -1)[1]);
    return Bodies.read(new String(claims, StandardCharsets.UTF_8)).path("jti").asText();
  }

  @Test
  void everyOperationOnASocketIsServed() throws Exception {
    List<Operation> operations = operations();
    assertThat(operations).hasSize(50);
    try (TestHome home = TestHome.in(folder)) {
      home.add(TestHome.own("edgeHub", List.of("hub.example")));
      FakeAuthority authority = new FakeAuthority(home.authority);
      try (TestServer server = TestServer.start(home, home.with(home.attestor, authority))) {
        String body = "{\"profile\":\"server\"}";
        String serial =
            RawClient.once(server.workload, Bodies.post("/v1/certificates", body)).json("serial");
        for (Operation operation : operations) {
          if (operation.tags().equals("public")) {
            // HttpsTest asks for each of these.
            continue;
          }
          Path socket = operation.tags().equals("admin") ? server.admin : server.workload;
          Answer answer = RawClient.once(socket, request(operation, serial));
          assertThat(answer.status()).as(operation + answer.body()).isIn(200, 201);
          if (operation.path().equals("/v1/tokens")) {
            tokenId = tokenId(answer.json("token"));
          }
          if (operation.path().endsWith("/encrypt")) {
            ciphertext = answer.json("ciphertext");
          }
        }
      }
    }
  }
}
