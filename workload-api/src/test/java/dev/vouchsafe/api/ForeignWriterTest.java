package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.vouchsafe.ca.LedgerQuery;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A request counts only if the process that connected wrote all of it. */
class ForeignWriterTest {
  private static final String IDENTITY = Bodies.get("/v1/identity?module=edgeHub");
  private static final String BODY = "{\"profile\":\"identity\"}";
  private static final String CERTIFICATE = Bodies.post("/v1/certificates?module=edgeHub", BODY);

  @TempDir private static Path folder;
  private static TestHome home;
  private TestServer server;
  private ForkingClient client;
  private int issuedBefore;

  @BeforeAll
  static void makeHome() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub"));
  }

  @AfterAll
  static void closeHome() {
    home.close();
  }

  @BeforeEach
  void start() throws Exception {
    server = TestServer.start(home);
    client = ForkingClient.connect(server.workload);
    issuedBefore = issued();
  }

  @AfterEach
  void stop() throws Exception {
    client.close();
    server.close();
  }

  private static int issued() throws Exception {
    LedgerQuery all = new LedgerQuery(Optional.of("edgeHub"), 1000, Optional.empty());
    return home.authority.certificates(all).items().size();
  }

  private void assertRefusedAndNothingIssued(String answer) throws Exception {
    assertThat(answer)
        .startsWith("HTTP/1.1 403 Forbidden")
        .contains("\"code\":\"caller-refused\"")
        .containsIgnoringCase("connection: close")
        .doesNotContain("BEGIN CERTIFICATE", "foreign", "pid");
    assertThat(issued()).isEqualTo(issuedBefore);
  }

  @Test
  void aRequestOfTheProcessThatConnectedIsAnsweredInHoweverManyPieces() throws Exception {
    for (String piece : List.of(IDENTITY.substring(0, 7), IDENTITY.substring(7, 30))) {
      client.writes(piece);
    }
    client.writes(IDENTITY.substring(30));
    assertThat(client.reads()).startsWith("HTTP/1.1 200 OK");
    client.writes(CERTIFICATE);
    assertThat(client.reads()).startsWith("HTTP/1.1 201 Created");
    assertThat(issued()).isEqualTo(issuedBefore + 1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/identity", "/v1/trust-bundle"})
  void aRequestThatAChildWroteIsRefused(String path) throws Exception {
    client.childWrites(Bodies.get(path));
    assertRefusedAndNothingIssued(client.readsToTheEnd());
  }

  @Test
  void aRequestThatAChildUnderAnotherUserWroteIsRefused() throws Exception {
    assumeTrue(TestHome.OWN_UID == 0, "needs root to be another user");
    client.childWrites(CERTIFICATE, 65534);
    assertRefusedAndNothingIssued(client.readsToTheEnd());
  }

  @Test
  void aBodyThatAChildWroteIsRefusedHoweverLittleOfItThatIs() throws Exception {
    client.writes(CERTIFICATE.substring(0, CERTIFICATE.length() - 1));
    client.childWrites("}");
    assertRefusedAndNothingIssued(client.readsToTheEnd());
  }

  @Test
  void aHeadThatAChildBeganIsRefused() throws Exception {
    client.childWrites("P");
    client.writes(CERTIFICATE.substring(1));
    assertRefusedAndNothingIssued(client.readsToTheEnd());
  }

  @Test
  void aSecondRequestThatAChildWroteIsRefusedAndEndsTheConnection() throws Exception {
    client.writes(IDENTITY);
    assertThat(client.reads()).startsWith("HTTP/1.1 200 OK");
    client.childWrites(CERTIFICATE);
    assertRefusedAndNothingIssued(client.readsToTheEnd());
  }

  /** Whether the first is still answered is a matter of which octets come first. */
  @Test
  void aSecondRequestThatAChildWroteAheadIsRefusedAndEndsTheConnection() throws Exception {
    client.writes(IDENTITY);
    client.childWrites(CERTIFICATE);
    String all = client.readsToTheEnd();
    assertThat(all).matches("(?s)(HTTP/1.1 200 OK.*)?HTTP/1.1 403 Forbidden.*");
    assertRefusedAndNothingIssued(all.substring(all.lastIndexOf("HTTP/1.1 ")));
  }

  @Test
  void aRequestIsRefusedAlsoWhereTheWriterHasLeftAndTheOutputIsClosed() throws Exception {
    client.childWrites(CERTIFICATE);
    client.endsOutput();
    assertRefusedAndNothingIssued(client.readsToTheEnd());
  }
}
