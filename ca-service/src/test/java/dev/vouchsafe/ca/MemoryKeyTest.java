package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyType;
import java.security.KeyPair;
import java.util.concurrent.CompletableFuture;
import javax.security.auth.x500.X500Principal;
import org.junit.jupiter.api.Test;

/** A key that is in memory only, and how it ends. */
class MemoryKeyTest {
  private static final X500Principal SUBJECT = new X500Principal("CN=x");

  private final KeyPair pair = TestCa.CRYPTO.generate(KeyType.EC_P256);
  private final MemoryKey key = new MemoryKey(TestCa.CRYPTO, KeyType.EC_P256, pair);

  @Test
  void itSignsUntilItIsDestroyed() throws Exception {
    assertThat(key.prove(SUBJECT)).contains("memory");
    key.destroy();
    assertThat(key.hold()).isFalse();
    assertThatThrownBy(key::find).isInstanceOf(KeyFault.Unavailable.class);
    assertThatThrownBy(() -> key.prove(SUBJECT)).isInstanceOf(KeyFault.Unavailable.class);
  }

  @Test
  void whoHoldsItKeepsItAndNobodyElseBegins() throws Exception {
    assertThat(key.hold()).isTrue();
    CompletableFuture<Void> destroyed = CompletableFuture.runAsync(key::destroy);
    while (key.hold()) {
      key.letGo();
      Thread.onSpinWait();
    }
    assertThat(destroyed).isNotDone();
    key.find();
    key.letGo();
    destroyed.join();
    assertThatThrownBy(key::find).isInstanceOf(KeyFault.Unavailable.class);
  }

  @Test
  void theKeyItselfIsOverwrittenWhereTheLibraryCan() {
    key.destroy();
    boolean canBe = TestCa.CRYPTO.description().contains("Corretto");
    assertThat(pair.getPrivate().isDestroyed()).isEqualTo(canBe);
  }
}
