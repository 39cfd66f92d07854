package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.ModuleKeys;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.Random;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sign, encrypt and decrypt of the IoT Edge Workload API, with good input and with bad. */
class IotEdgeKeysTest {
  private static final String V = "?api-version=2018-06-28";
  private static final String OWN = "/modules/edgeHub/genid/1/";
  private static final ModuleKeys.Module EDGE_HUB = new ModuleKeys.Module("edgeHub", "1");
  private static final String IV = base64(new byte[] {1, 2, 3});

  @TempDir private static Path folder;
  private static TestHome home;
  private static FakeAuthority authority;
  private static TestServer server;

  @BeforeAll
  static void start() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub"));
    home.add(TestHome.own("second"));
    home.add(TestHome.foreign("other"));
    authority = new FakeAuthority(home.authority);
    server = TestServer.start(home, home.with(home.attestor, authority));
  }

  @AfterAll
  static void stop() {
    server.close();
    home.close();
  }

  @BeforeEach
  void mend() {
    authority.moduleKeys.broken = null;
  }

  private static String base64(byte[] octets) {
    return Base64.getEncoder().encodeToString(octets);
  }

  private static byte[] octets(int count) {
    byte[] octets = new byte[count];
    new Random(count).nextBytes(octets);
    return octets;
  }

  private static Answer post(String path, String body) throws IOException {
    return RawClient.once(server.workload, Bodies.post(path + V, body));
  }

  private static String signBody(String data) {
    return "{\"keyId\":\"primary\",\"algo\":\"HMACSHA256\",\"data\":\"" + data + "\"}";
  }

  private static String encryptBody(String plaintext, String iv) {
    return "{\"plaintext\":\"" + plaintext + "\",\"initializationVector\":\"" + iv + "\"}";
  }

  private static String decryptBody(String ciphertext, String iv) {
    return "{\"ciphertext\":\"" + ciphertext + "\",\"initializationVector\":\"" + iv + "\"}";
  }

  private static void assertMessage(Answer answer, String statusLine, String message) {
    assertThat(answer.statusLine()).as(answer.body()).isEqualTo("HTTP/1.1 " + statusLine);
    assertThat(answer.header("content-type")).isEqualTo("application/json");
    assertThat(answer.body()).isEqualTo("{\"message\":\"" + message + "\"}");
  }

  /** As somebody computes it to whom an administrator gave the key. */
  private static String digest(ModuleKeys.Module module, String which, byte[] data)
      throws Exception {
    byte[] key =
        home.authority
            .moduleKeys()
            .reveal(module, ModuleKeys.Which.valueOf(which), "the administrator of this test");
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    return base64(mac.doFinal(data));
  }

  @Test
  void aSignatureIsTheHmacOfTheDataUnderTheModulesOwnKey() throws Exception {
    byte[] data = "hub%2fdevices%2fd%2fmodules%2fm\n1700000000".getBytes(StandardCharsets.UTF_8);

    Answer answer = post(OWN + "sign", signBody(base64(data)));

    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 200 OK");
    assertThat(answer.header("content-type")).isEqualTo("application/json");
    assertThat(answer.header("cache-control")).isEqualTo("no-store");
    assertThat(answer.body())
        .isEqualTo("{\"digest\":\"" + digest(EDGE_HUB, "PRIMARY", data) + "\"}");
    assertThat(post("/modules/second/genid/1/sign", signBody(base64(data))).json("digest"))
        .isEqualTo(digest(new ModuleKeys.Module("second", "1"), "PRIMARY", data));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"primary\"|PRIMARY",
        "\"secondary\"|SECONDARY",
        "\"Secondary\"|SECONDARY",
        "\"SECONDARY\"|SECONDARY",
        "\"secondary \"|PRIMARY",
        "\"any\"|PRIMARY",
        "\"\"|PRIMARY",
        "null|PRIMARY",
        "7|PRIMARY",
        "{\"a\":[1]}|PRIMARY"
      })
  void onlySecondaryMeansTheSecondaryKey(String keyId, String which) throws Exception {
    Answer answer = post(OWN + "sign", "{\"keyId\":" + keyId + ",\"data\":\"QUJD\"}");
    assertThat(answer.json("digest"))
        .isEqualTo(digest(EDGE_HUB, which, "ABC".getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void dataAloneIsEnoughAndMayBeEmpty() throws Exception {
    assertThat(post(OWN + "sign", "{\"data\":\"\"}").json("digest"))
        .isEqualTo(digest(EDGE_HUB, "PRIMARY", new byte[0]));
    assertThat(
            post(OWN + "sign", "{\"algo\":[],\"x\":{\"data\":\"no\"},\"data\":\"QQ==\"}").status())
        .isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "#",
        "QUJ",
        "QUJDRA",
        "QUJDRA=",
        "QUJD RA==",
        "QUJD\\nRA==",
        "QUJDRA==\\n",
        "QQ==QQ==",
        "QR==",
        "QUF=",
        "Q===",
        "====",
        "-_-_",
        "\\u00e9AAA",
        "QUJDRA==="
      })
  void whatIsNotStandardBase64IsABadRequestThatNamesTheField(String text) throws Exception {
    String no = " is not standard base64";
    assertMessage(
        post(OWN + "sign", signBody(text)), "400 BadRequest", "invalid parameter: data" + no);
    assertMessage(
        post(OWN + "encrypt", encryptBody(text, IV)),
        "400 BadRequest",
        "invalid parameter: plaintext" + no);
    assertMessage(
        post(OWN + "encrypt", encryptBody("", text)),
        "400 BadRequest",
        "invalid parameter: initializationVector" + no);
    assertMessage(
        post(OWN + "decrypt", decryptBody(text, IV)),
        "400 BadRequest",
        "invalid parameter: ciphertext" + no);
  }

  @Test
  void whatIsEncryptedIsDecryptedWithTheSameIvAlone() throws Exception {
    for (int length : new int[] {0, 1, 16, 1000, ModuleKeys.MOST_DATA}) {
      String plaintext = base64(octets(length));
      Answer sealed = post(OWN + "encrypt", encryptBody(plaintext, IV));
      assertThat(sealed.statusLine()).as(sealed.body()).isEqualTo("HTTP/1.1 200 OK");
      assertThat(sealed.header("cache-control")).isEqualTo("no-store");
      String ciphertext = sealed.json("ciphertext");
      assertThat(sealed.body()).isEqualTo("{\"ciphertext\":\"" + ciphertext + "\"}");

      Answer opened = post(OWN + "decrypt", decryptBody(ciphertext, IV));
      assertThat(opened.statusLine()).isEqualTo("HTTP/1.1 200 OK");
      assertThat(opened.header("cache-control")).isEqualTo("no-store");
      assertThat(opened.body()).isEqualTo("{\"plaintext\":\"" + plaintext + "\"}");
      assertThat(post(OWN + "decrypt", decryptBody(ciphertext, "")).status()).isEqualTo(400);
    }
  }

  @Test
  void escapedBase64AsSomeJsonWritersHaveItIsRead() throws Exception {
    byte[] data = {(byte) 0xfb, (byte) 0xff, (byte) 0xbf};
    assertThat(base64(data)).isEqualTo("+/+/");
    Answer answer = post(OWN + "sign", signBody("\\u002B\\/\\u002b\\u002F"));
    assertThat(answer.json("digest")).isEqualTo(digest(EDGE_HUB, "PRIMARY", data));
  }

  @Test
  void oneOctetOverTheLimitIsABadRequestThatNamesTheField() throws Exception {
    String data = base64(octets(ModuleKeys.MOST_DATA + 1));
    String over = " is over " + ModuleKeys.MOST_DATA + " octets";

    assertThat(post(OWN + "sign", signBody(base64(octets(ModuleKeys.MOST_DATA)))).status())
        .isEqualTo(200);
    assertMessage(
        post(OWN + "sign", signBody(data)), "400 BadRequest", "invalid parameter: data" + over);
    assertMessage(
        post(OWN + "encrypt", encryptBody(data, IV)),
        "400 BadRequest",
        "invalid parameter: plaintext" + over);
    assertMessage(
        post(OWN + "decrypt", decryptBody(base64(octets(ModuleKeys.MOST_DATA + 34)), IV)),
        "400 BadRequest",
        "invalid parameter: ciphertext is over 65569 octets");
  }

  @Test
  void anIvMayBeEmptyOrAKibibyteButNotTwo() throws Exception {
    for (int length : new int[] {0, 12, ModuleKeys.MOST_IV}) {
      String iv = base64(octets(length));
      Answer sealed = post(OWN + "encrypt", encryptBody("QUJD", iv));
      assertThat(
              post(OWN + "decrypt", decryptBody(sealed.json("ciphertext"), iv)).json("plaintext"))
          .isEqualTo("QUJD");
    }
    String tooLong = base64(octets(2 * ModuleKeys.MOST_IV));
    String message = "invalid parameter: initializationVector is over 1024 octets";
    assertMessage(post(OWN + "encrypt", encryptBody("QUJD", tooLong)), "400 BadRequest", message);
    assertMessage(post(OWN + "decrypt", decryptBody("QUJD", tooLong)), "400 BadRequest", message);
  }

  @Test
  void everyFlippedBitOfACiphertextIsABadRequestAndNoServerError() throws Exception {
    byte[] sealed =
        Base64.getDecoder()
            .decode(post(OWN + "encrypt", encryptBody("QUJD", IV)).json("ciphertext"));
    try (RawClient client = RawClient.connect(server.workload)) {
      for (int bit = 0; bit < sealed.length * 8; bit++) {
        byte[] bent = sealed.clone();
        bent[bit / 8] ^= (byte) (1 << bit % 8);
        client.send(Bodies.post(OWN + "decrypt" + V, decryptBody(base64(bent), IV)));
        Answer answer = client.answer();
        assertThat(answer.status()).as("bit " + bit).isEqualTo(400);
        assertThat(answer.json("message")).contains("ciphertext").doesNotContain("QUJD");
      }
      for (int length = 0; length < sealed.length; length++) {
        String cut = base64(Arrays.copyOf(sealed, length));
        client.send(Bodies.post(OWN + "decrypt" + V, decryptBody(cut, IV)));
        assertThat(client.answer().status()).isEqualTo(400);
      }
    }
  }

  @Test
  void anotherModulesCiphertextIsABadRequest() throws Exception {
    String ciphertext =
        post("/modules/second/genid/1/encrypt", encryptBody("QUJD", IV)).json("ciphertext");
    Answer answer = post(OWN + "decrypt", decryptBody(ciphertext, IV));
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.body()).doesNotContain("QUJD");
  }

  @ParameterizedTest
  @CsvSource({
    "sign,data",
    "encrypt,plaintext",
    "encrypt,initializationVector",
    "decrypt,ciphertext",
    "decrypt,initializationVector"
  })
  void aFieldThatIsMissingNullDoubledOrNoStringIsUnprocessable(String path, String field)
      throws Exception {
    String all =
        "\"data\":\"QUJD\",\"plaintext\":\"QUJD\",\"ciphertext\":\"QUJD\",\"initializationVector\":\"QUJD\"";
    String others = all.replaceAll(",?\"" + field + "\":\"QUJD\"", "").replaceAll("^,", "");
    String status = "422 UnprocessableContent";

    assertMessage(post(OWN + path, "{" + others + "}"), status, field + ": is missing");
    assertMessage(
        post(OWN + path, "{" + others + ",\"" + field + "\":null}"),
        status,
        field + ": is missing");
    for (String value : new String[] {"7", "true", "{}", "[\"QUJD\"]", "1e5"}) {
      assertMessage(
          post(OWN + path, "{" + others + ",\"" + field + "\":" + value + "}"),
          status,
          field + ": is no string");
    }
    assertMessage(
        post(OWN + path, "{" + all + ",\"" + field + "\":\"QUJE\"}"),
        status,
        field + ": given twice");
  }

  @ParameterizedTest
  @ValueSource(strings = {"sign", "encrypt", "decrypt"})
  void aMalformedBodyIsUnprocessableEvenForOneWhoMayNotAsk(String path) throws Exception {
    for (String module : new String[] {"edgeHub", "other", "nobody"}) {
      for (String body :
          new String[] {"{", "[]", "null", "{} {}", "{\"data\":\"QUJD\"", "\u00ff"}) {
        assertThat(post("/modules/" + module + "/genid/1/" + path, body).statusLine())
            .isEqualTo("HTTP/1.1 422 UnprocessableContent");
      }
      String target = "/modules/" + module + "/genid/1/" + path + V;
      assertMessage(
          RawClient.once(server.workload, "POST " + target + " HTTP/1.1\r\n\r\n"),
          "400 BadRequest",
          "missing body");
      assertMessage(
          RawClient.once(
              server.workload,
              "POST "
                  + target
                  + " HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"),
          "400 BadRequest",
          "missing body");
      assertMessage(
          RawClient.once(server.workload, Bodies.get(target)),
          "400 BadRequest",
          "method not allowed");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"sign", "encrypt", "decrypt"})
  void whoIsNotTheModuleIsForbiddenBeforeItsParametersAreLookedAt(String path) throws Exception {
    String body =
        "{\"data\":\"#\",\"plaintext\":\"#\",\"ciphertext\":\"#\",\"initializationVector\":\"#\"}";
    for (String module : new String[] {"other", "nobody", "edgehub", "$second%20"}) {
      assertMessage(
          post("/modules/" + module + "/genid/1/" + path, body), "403 Forbidden", "forbidden");
    }
    Answer generation = post("/modules/edgeHub/genid/2/" + path, body);
    assertThat(generation.status()).isEqualTo(403);
    assertThat(generation.json("message")).startsWith("generation-mismatch");
  }

  @ParameterizedTest
  @EnumSource(IssuanceException.Reason.class)
  void whatTheKeysSayIsAnsweredByItsKind(IssuanceException.Reason reason) throws Exception {
    authority.moduleKeys.broken = reason;
    int status =
        switch (reason.kind()) {
          case INVALID -> 400;
          case REFUSED -> 403;
          case LIMITED -> 429;
          case UNAVAILABLE -> 503;
          case FAILED -> 500;
        };
    for (Answer answer :
        new Answer[] {
          post(OWN + "sign", signBody("QUJD")),
          post(OWN + "encrypt", encryptBody("QUJD", IV)),
          post(OWN + "decrypt", decryptBody("QUJD", IV))
        }) {
      assertThat(answer.status()).isEqualTo(status);
      assertThat(answer.headers().containsKey("retry-after"))
          .isEqualTo(status == 503 || status == 429);
      assertThat(answer.body().contains("said of")).isEqualTo(status < 500);
    }
  }

  @Test
  void aMebibyteIsTooLarge() throws Exception {
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(Bodies.post(OWN + "sign" + V, signBody("A".repeat(1 << 20))));
      Answer answer = client.answer();
      assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 413 ContentTooLarge");
      assertThat(answer.json("message")).isNotEmpty();
    }
  }
}
