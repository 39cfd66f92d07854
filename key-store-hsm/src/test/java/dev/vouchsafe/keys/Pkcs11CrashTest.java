package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A library that crashes inside of our own process, which is the default. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Pkcs11CrashTest {
  @TempDir Path home;

  @Test
  void aCrashEndsTheProcessAndWhoeverStartsItAgainFindsTheSameKeys() throws Exception {
    SoftHsm.Token token = SoftHsm.here().token("crashes");
    Trap trap = Trap.in(home);
    Pkcs11Uri uri = Pkcs11Uri.parse(token.uri(trap.library()));
    try {
      try (PrivateKeyStore store =
          PrivateKeyStores.createPkcs11(home.resolve("keys"), uri, Pkcs11Place.CRYPTO)) {
        store.make(Pkcs11Place.CA, KeyType.EC_P256);
      }
      try (ChildJvm first = start(token, trap)) {
        assertThat(first.line()).isEqualTo("signs true");
        trap.crash();
        String rest = first.all();
        assertThat(trap.hasCrashed()).isTrue();
        assertThat(rest).contains("SIGSEGV").doesNotContain(token.pin(), "signs false");
      }
      try (ChildJvm second = start(token, trap)) {
        assertThat(second.line()).isEqualTo("signs true");
      }
    } finally {
      SoftHsm.remove(token);
    }
  }

  private ChildJvm start(SoftHsm.Token token, Trap trap) throws Exception {
    return new ChildJvm(
        List.of("-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=/dev/null"),
        TokenSigner.class,
        List.of(home.resolve("keys").toString(), token.uri(trap.library()), "false"));
  }
}
