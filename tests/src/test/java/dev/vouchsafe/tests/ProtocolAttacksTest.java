package dev.vouchsafe.tests;

import static dev.vouchsafe.tests.AttackGround.certificateOf;
import static dev.vouchsafe.tests.AttackGround.post;
import static dev.vouchsafe.tests.AttackGround.uid;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Attacks by what is written on the connection of a module that is attested: requests within
 * requests, and names that the registration doesn't grant. The module is the tests' own process, so
 * nothing but the protocol stands in the way.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ProtocolAttacksTest {
  private static final String HIDDEN = certificateOf("hidden");
  private static final String POST = "POST /v1/certificates?module=hidden HTTP/1.1\r\n";
  private static final String BODY = "{\"profile\":\"server\"}";

  private AttackGround ground;

  @BeforeAll
  void open() throws Exception {
    ground = AttackGround.open();
    ground.register("hidden", List.of(uid(0)));
    ground.register("named", List.of(uid(0)), "ip = [\"192.0.2.1\"]");
    ground.register("honest", List.of(uid(0)));
  }

  @AfterAll
  void close() throws IOException {
    if (ground != null) {
      ground.close();
    }
  }

  /** The statuses of all answers until the service closes. */
  private List<Integer> answers(String octets) throws IOException {
    List<Integer> statuses = new ArrayList<>();
    try (UnixHttp connection = ground.gateway().connect()) {
      connection.send(octets);
      try {
        while (true) {
          statuses.add(connection.receive().status());
        }
      } catch (EOFException closed) {
        return statuses;
      }
    }
  }

  @Test
  void twoRequestsInOneGoAreTwoRequests() throws Exception {
    String close = "GET /v1/identity?module=honest HTTP/1.1\r\nConnection: close\r\n\r\n";
    assertThat(answers(certificateOf("honest") + certificateOf("honest") + close))
        .containsExactly(201, 201, 200);
    assertThat(ground.issued("honest")).isEqualTo(2);
  }

  /** Each could be read as one request by one reader, and as two or another by the next. */
  static Stream<Arguments> smuggled() {
    String typed = "Host: x\r\nContent-Type: application/json\r\n";
    int length = HIDDEN.length();
    return Stream.of(
        of("two lengths", POST + typed + "Content-Length: 20\r\nContent-Length: 0\r\n\r\n" + BODY),
        of(
            "two equal lengths",
            POST + typed + "Content-Length: 20\r\nContent-Length: 20\r\n\r\n" + BODY),
        of("a list of lengths", POST + typed + "Content-Length: 20, 20\r\n\r\n" + BODY),
        of("a length with a sign", POST + typed + "Content-Length: +20\r\n\r\n" + BODY),
        of("a length in hexadecimal", POST + typed + "Content-Length: 0x14\r\n\r\n" + BODY),
        of("a negative length", POST + typed + "Content-Length: -1\r\n\r\n" + BODY),
        of(
            "a length beyond all numbers",
            POST + typed + "Content-Length: 18446744073709551636\r\n\r\n" + BODY),
        of(
            "a length and chunks",
            POST
                + typed
                + "Content-Length: "
                + length
                + "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                + HIDDEN),
        of(
            "chunks and a length",
            POST
                + typed
                + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"
                + HIDDEN),
        of(
            "a coding that is almost chunked",
            POST + typed + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN),
        of(
            "a coding after chunked",
            POST + typed + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN),
        of(
            "chunked twice",
            POST
                + typed
                + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                + HIDDEN),
        of(
            "a coding by a vertical tab",
            POST + typed + "Transfer-Encoding:\u000bchunked\r\n\r\n0\r\n\r\n" + HIDDEN),
        of("a space before the colon", POST + typed + "Content-Length : 20\r\n\r\n" + BODY),
        of(
            "a coding with a space before the colon",
            POST + typed + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN),
        of(
            "chunks in HTTP/1.0",
            POST.replace("1.1", "1.0")
                + typed
                + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                + HIDDEN),
        of(
            "a folded coding",
            POST + typed + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + HIDDEN),
        of("a folded first header", POST + " " + typed + "Content-Length: 20\r\n\r\n" + BODY),
        of(
            "lines that end with LF alone",
            (POST + typed + "Content-Length: 20\r\n\r\n").replace("\r\n", "\n") + BODY),
        of(
            "one header that ends with LF alone",
            POST + "X: a\nContent-Length: 20\r\n" + typed + "\r\n" + BODY),
        of(
            "one header that ends with CR alone",
            POST + "X: a\rContent-Length: 20\r\n" + typed + "\r\n" + BODY),
        of("a NUL in a header", POST + typed + "X: a\u0000b\r\nContent-Length: 20\r\n\r\n" + BODY),
        of("a header without a name", POST + typed + ": a\r\nContent-Length: 20\r\n\r\n" + BODY),
        of("a header without a colon", POST + typed + "Content-Length 20\r\n\r\n" + BODY),
        of("two hosts", POST + typed + "Host: y\r\nContent-Length: 20\r\n\r\n" + BODY),
        of("a chunk of no size", chunks("\r\n" + HIDDEN)),
        of("a chunk of a size that is no number", chunks("zz\r\n" + HIDDEN)),
        of("a chunk of a negative size", chunks("-1\r\n" + HIDDEN)),
        of("a chunk of a size with 0x", chunks("0x14\r\n" + BODY + "\r\n0\r\n\r\n")),
        of(
            "a chunk of a size beyond all numbers",
            chunks("10000000000000014\r\n" + BODY + "\r\n0\r\n\r\n")),
        of(
            "a chunk that is longer than its size",
            chunks("5\r\n" + BODY + "\r\n0\r\n\r\n" + HIDDEN)),
        of("a chunk size that ends with LF alone", chunks("14\n" + BODY + "\r\n0\r\n\r\n")),
        of("a chunk extension that ends with LF alone", chunks("14;a\n" + BODY + "\r\n0\r\n\r\n")),
        of("a chunk that ends with LF alone", chunks("14\r\n" + BODY + "\n0\r\n\r\n")),
        of("chunks whose end is by LF alone", chunks("14\r\n" + BODY + "\r\n0\n\n")),
        of(
            "a request line with another behind it",
            POST.replace("\r\n", " HTTP/1.1\r\n") + typed + "Content-Length: 20\r\n\r\n" + BODY));
  }

  private static String chunks(String body) {
    return POST
        + "Host: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        + body;
  }

  private static Arguments of(String what, String octets) {
    return Arguments.of(what, octets);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("smuggled")
  void aRequestThatTwoReadersCouldReadDifferentlyIsAnsweredOnceAndGetsNothing(
      String what, String octets) throws Exception {
    assertThat(answers(octets + HIDDEN)).as(what).hasSize(1).allMatch(status -> status == 400);
    assertThat(ground.issued("hidden")).as(what).isZero();
  }

  /** RFC 9112 section 5.2: the fold is a space in the value, and no header begins there. */
  @Test
  void aHeaderInTheFoldOfAnotherIsNoHeader() throws Exception {
    String folded = POST + "Content-Type: application/json\r\nX: a\r\n Content-Length: 20\r\n\r\n";
    assertThat(answers(folded + BODY + "\r\n\r\n")).isNotEmpty().allMatch(status -> status == 400);
    assertThat(ground.issued("hidden")).isZero();
  }

  @Test
  void aRequestInTheBodyOfAnotherIsItsBody() throws Exception {
    String outer = post("/v1/certificates?module=honest", HIDDEN);
    String close = "GET /v1/identity?module=honest HTTP/1.1\r\nConnection: close\r\n\r\n";
    assertThat(answers(outer + close)).containsExactly(400, 200);
    assertThat(ground.issued("hidden")).isZero();
  }

  /** Names that the registration {@code named} doesn't grant, or that are no names. */
  static Stream<String> names() {
    return Stream.of(
        "other.example",
        "module.example\n",
        "module.example\r\nforged: line",
        "\nmodule.example",
        "module.example\u0000",
        "module.example\u0000.evil.example",
        "\u0000",
        "*",
        "*.example",
        "*.module.example",
        "m*dule.example",
        "module.example,CN=root",
        "CN=module.example",
        "module.example/",
        "module.example ",
        "module..example",
        ".module.example",
        "-module.example",
        "module_.example",
        "m\u043edule.example",
        "module\u3002example",
        "a".repeat(300),
        "a".repeat(64) + ".example",
        ("a".repeat(60) + ".").repeat(5) + "example",
        "192.0.2.2",
        "192.0.2.1\n",
        "192.0.2.1/24",
        "192.0.2.01",
        "0xc0000201",
        "3221225985",
        "::ffff:192.0.2.2",
        "2001:db8::1%eth0");
  }

  @ParameterizedTest
  @MethodSource("names")
  void aNameThatIsNotGrantedGetsNothingWhereverItStands(String name) throws Exception {
    List<ObjectNode> bodies = new ArrayList<>();
    for (String field : List.of("dns", "ip")) {
      ObjectNode body = JsonNodeFactory.instance.objectNode().put("profile", "server");
      body.putArray(field).add(name);
      bodies.add(body);
    }
    bodies.add(
        JsonNodeFactory.instance.objectNode().put("profile", "server").put("commonName", name));
    String target = "/v1/certificates?module=named";
    try (UnixHttp connection = ground.gateway().connect()) {
      for (ObjectNode body : bodies) {
        UnixHttp.Answer answer =
            connection.post(target, new ObjectMapper().writeValueAsString(body));
        assertThat(answer.status()).as("%s: %s", body, answer.body()).isBetween(400, 403);
      }
    }
    assertThat(ground.issued("named")).isZero();
    assertThat(ground.gateway().log().lines()).noneMatch(line -> line.startsWith("forged"));
  }

  @Test
  void aNameThatIsGrantedIsServedWhereverItStands() throws Exception {
    ground.register("granted", List.of(uid(0)), "ip = [\"192.0.2.1\"]");
    try (UnixHttp connection = ground.gateway().connect()) {
      for (String names :
          List.of(
              "\"dns\":[\"module.example\"]",
              "\"ip\":[\"192.0.2.1\"]",
              "\"commonName\":\"module.example\"")) {
        assertThat(
                connection
                    .post(
                        "/v1/certificates?module=granted", "{\"profile\":\"server\"," + names + "}")
                    .status())
            .as(names)
            .isEqualTo(201);
      }
    }
  }

  @Test
  void aNameForTheLogForgesNoLineOfIt() throws Exception {
    String name = "x%0aforged%0d%0aforged";
    try (UnixHttp connection = ground.gateway().connect()) {
      assertThat(connection.post("/v1/certificates?module=" + name, BODY).status()).isEqualTo(403);
    }
    assertThat(ground.gateway().log()).contains("refused");
    assertThat(ground.gateway().log().lines()).noneMatch(line -> line.startsWith("forged"));
  }
}
