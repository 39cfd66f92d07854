package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokens that are revoked by their ids. */
class RevokedTokensTest {
  private static final Grant GRANT = TokensTest.grant("hub");
  private static final TokenRequest REQUEST = TokensTest.request("hub");

  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.in(folder);
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private Revocations revocations() {
    return ca.ca().revocations();
  }

  private Path file() {
    return ca.settings.directory().resolve("revoked-tokens.json");
  }

  @Test
  void aRevokedTokenIsInTheFileAtOnceAndAfterARestart() throws Exception {
    String id = ca.token(GRANT, REQUEST).id();
    String other = ca.token(GRANT, REQUEST).id();

    assertThat(revocations().revokeTokens(List.of(id), Revoking.ADMINISTRATOR)).isEqualTo(1);

    assertThat(file()).content().contains(id).doesNotContain(other);
    assertThat(revocations().revokeTokens(List.of(id), Revoking.ADMINISTRATOR)).isZero();
    assertThat(revocations().revokedTokens()).isEqualTo(Files.readString(file()));
    Files.delete(file());
    ca.reopen();
    assertThat(file()).content().contains(id);
  }

  @Test
  void aFileThatIsNoListIsNoEmptyList() throws Exception {
    RevokedTokensFile file = new RevokedTokensFile(ca.settings.directory());
    for (String damaged : List.of("", "{", "[]", "{}", "{\"items\":1}", "{\"items\":[]")) {
      Files.writeString(file(), damaged);
      assertThatThrownBy(file::read).as(damaged).isInstanceOf(IOException.class);
    }
  }

  @Test
  void aDamagedEntryTakesNothingFromTheOthers() throws Exception {
    String id = ca.token(GRANT, REQUEST).id();
    revocations().revokeTokens(List.of(id), Revoking.ADMINISTRATOR);
    String list = Files.readString(file());
    Files.writeString(file(), list.replace("[", "[{\"id\":\"x\"},"));
    assertThat(new RevokedTokensFile(ca.settings.directory()).read())
        .extracting(RevocationLedger.RevokedToken::id)
        .containsExactly(id);
  }

  @Test
  void anIdLeavesTheFileWhenNoTokenOfItsBlockCanLive() throws Exception {
    String id = ca.token(GRANT, REQUEST).id();
    revocations().revokeTokens(List.of(id), Revoking.ADMINISTRATOR);
    ca.clock.pass(Duration.ofDays(3));
    String later = ca.token(GRANT, REQUEST).id();

    revocations().revokeTokens(List.of(later), Revoking.ADMINISTRATOR);

    assertThat(revocations().revokedTokens()).contains(later).doesNotContain(id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "0192f3c1a2b4c6d8e0f1a2b3001", "' OR 1=1 --"})
  void anIdThatWasNeverGivenIsRefused(String id) throws Exception {
    String good = ca.token(GRANT, REQUEST).id();
    assertThatThrownBy(() -> revocations().revokeTokens(List.of(good, id), Revoking.ADMINISTRATOR))
        .isInstanceOf(IssuanceException.class);
    assertThat(revocations().revokedTokens()).doesNotContain(good);
  }

  @Test
  void aFileThatCantBeWrittenIsSaidAndTheRevocationStands() throws Exception {
    String id = ca.token(GRANT, REQUEST).id();
    Files.createDirectory(file());
    Files.writeString(file().resolve("in-the-way"), "");

    revocations().revokeTokens(List.of(id), Revoking.ADMINISTRATOR);

    assertThat(revocations().revokedTokensFault()).contains("revoked-tokens.json");
    assertThat(revocations().revokedTokens()).contains(id);
  }
}
