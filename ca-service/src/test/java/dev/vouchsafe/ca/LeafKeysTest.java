package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Kind;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyType;
import java.security.KeyPair;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A module asks for RSA keys, each of which takes a core for a second. */
class LeafKeysTest {
  private static final KeyPair EC = TestCa.CRYPTO.generate(KeyType.EC_P256);

  private final CountDownLatch making = new CountDownLatch(1);
  private final CountDownLatch goOn = new CountDownLatch(1);

  /** RSA keys take until the test says so. */
  private KeyPair make(KeyType type) {
    if (type == KeyType.RSA_4096) {
      making.countDown();
      try {
        assertThat(goOn.await(30, TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
    return EC;
  }

  @Test
  void onTwoCoresTheSecondOfTwoAtOnceIsUnavailableAndAnEllipticOneIsMade() throws Exception {
    LeafKeys keys = LeafKeys.onCores(this::make, 2);
    CompletableFuture<KeyPair> first =
        CompletableFuture.supplyAsync(() -> {
          try {
            return keys.make(KeyType.RSA_4096);
          } catch (IssuanceException e) {
            throw new CompletionException(e);
          }
        });
    assertThat(making.await(30, TimeUnit.SECONDS)).isTrue();
    for (KeyType type : new KeyType[] {KeyType.RSA_2048, KeyType.RSA_4096}) {
      assertThatThrownBy(() -> keys.make(type))
          .isInstanceOfSatisfying(
              IssuanceException.class,
              e -> {
                assertThat(e.reason()).isEqualTo(Reason.AUTHORITY_UNAVAILABLE);
                assertThat(e.reason().kind()).as("503").isEqualTo(Kind.UNAVAILABLE);
              });
    }
    assertThat(keys.make(KeyType.EC_P384)).isEqualTo(EC);
    goOn.countDown();
    assertThat(first.get(30, TimeUnit.SECONDS)).isEqualTo(EC);
    assertThat(keys.make(KeyType.RSA_4096)).as("there is room again").isEqualTo(EC);
  }

  @Test
  void oneThatFailsLeavesItsPlace() throws Exception {
    LeafKeys keys =
        new LeafKeys(
            type -> {
              throw new IllegalStateException("as the test wants");
            },
            1);
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(() -> keys.make(KeyType.RSA_2048))
          .isInstanceOf(IllegalStateException.class);
    }
  }
}
