package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The audit log's key: made once, sealed, never replaced. */
class AuditKeyTest {
  private static final byte[] OCTETS = "a checkpoint".getBytes(StandardCharsets.US_ASCII);

  @TempDir Path folder;
  private TestCa ca;
  private ECPublicKey key;

  @BeforeEach
  void make() throws Exception {
    ca = TestCa.in(folder);
    key = ca.ca().auditKey().publicKey().orElseThrow();
  }

  @AfterEach
  void close() {
    ca.close();
  }

  /** Whether what one signs now verifies with the other. */
  static boolean verifies(ECPublicKey key, AuditKey signer)
      throws IssuanceException, GeneralSecurityException {
    byte[] signed = sign(signer);
    assertThat(signed).hasSize(64);
    Signature signature = Signature.getInstance("SHA256withECDSAinP1363Format");
    signature.initVerify(key);
    signature.update(OCTETS);
    return signature.verify(signed);
  }

  /** As often as it takes to unseal the key in the background. */
  private static byte[] sign(AuditKey signer) throws IssuanceException {
    long end = System.nanoTime() + 10_000_000_000L;
    while (true) {
      try {
        return signer.sign(OCTETS);
      } catch (IssuanceException e) {
        if (System.nanoTime() > end) {
          throw e;
        }
        Thread.onSpinWait();
      }
    }
  }

  @Test
  void itSignsAndIsTheSameAfterARestart() throws Exception {
    assertThat(verifies(key, ca.ca().auditKey())).isTrue();
    ca.reopen();
    assertThat(ca.ca().auditKey().publicKey()).hasValue(key);
    assertThat(verifies(key, ca.ca().auditKey())).isTrue();
  }

  @Test
  void itIsNoneOfTheKeysThatSignAnythingElse() {
    assertThat(ca.ca().authorities()).noneMatch(it -> it.certificate().getPublicKey().equals(key));
    assertThat(ca.ca().tokens().jwks())
        .doesNotContain(
            Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(Arrays.copyOfRange(key.getEncoded(), 27, 59)));
  }

  @Test
  void aStoreThatIsAwayAtTheStartIsWaitedForAndAskedAgain() throws Exception {
    ca.store.setAway(true);
    ca.reopen();
    AuditKey sealed = ca.ca().auditKey();
    assertThat(sealed.publicKey()).as("the ledger has it").hasValue(key);
    Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, () -> sealed.sign(OCTETS));
    ca.store.setAway(false);
    ca.clock.passUnseen(Duration.ofSeconds(2));
    assertThat(verifies(key, sealed)).isTrue();
  }

  /** As after an update from a release without an audit log. */
  @Test
  void aStoreThatIsAwayWhenTheKeyIsToBeMadeIsAskedAgainNowAndThen() throws Exception {
    ca.ca().close();
    LedgerPeek.execute(ca.settings.directory(), "DELETE FROM audit_key");
    ca.store.setAway(true);
    ca.reopen();
    AuditKey unknown = ca.ca().auditKey();
    for (int i = 0; i < 1000; i++) {
      assertThat(unknown.publicKey()).isEmpty();
    }
    ca.store.setAway(false);
    // Of the time that passes a second each lets one attempt through, which may still be away.
    long end = System.nanoTime() + 30_000_000_000L;
    while (unknown.publicKey().isEmpty()) {
      assertThat(System.nanoTime()).isLessThan(end);
      ca.clock.passUnseen(Duration.ofMillis(10));
      Thread.onSpinWait();
    }
    assertThat(verifies(unknown.publicKey().orElseThrow(), unknown)).isTrue();
    ECPublicKey made = unknown.publicKey().orElseThrow();
    ca.reopen();
    assertThat(ca.ca().auditKey().publicKey()).hasValue(made);
  }

  @Test
  void aStoreThatStaysAwayIsAskedOnceASecondHoweverOftenTheKeyIsWanted() throws Exception {
    ca.ca().close();
    LedgerPeek.execute(ca.settings.directory(), "DELETE FROM audit_key");
    AtomicInteger tries = new AtomicInteger();
    ca.store.beforeSealing(purpose -> {
      if (purpose.parts().contains("audit-key")) {
        tries.incrementAndGet();
        throw new KeyFault.Unavailable("unplugged by the test");
      }
    });
    ca.reopen();
    int atStart = tries.get();
    AuditKey unknown = ca.ca().auditKey();
    for (int second = 1; second <= 5; second++) {
      int before = tries.get();
      long end = System.nanoTime() + 30_000_000_000L;
      while (tries.get() == before) {
        assertThat(unknown.publicKey()).isEmpty();
        assertThat(System.nanoTime()).isLessThan(end);
      }
      for (int i = 0; i < 1000; i++) {
        assertThat(unknown.publicKey()).isEmpty();
      }
      assertThat(tries).hasValue(atStart + second);
      ca.clock.passUnseen(Duration.ofSeconds(1));
    }
    ca.store.beforeSealing(purpose -> {});
  }

  @Test
  void aStoreThatCantOpenItStopsTheStart() throws Exception {
    ca.ca().close();
    ca.store.beforeSealing(purpose -> {
      if (purpose.parts().contains("audit-key")) {
        throw new KeyFault.Failed("another token was plugged in");
      }
    });
    assertThatThrownBy(ca::reopen).hasMessageContaining("audit log's key");
    ca.store.beforeSealing(purpose -> {});
    ca.reopen();
    assertThat(ca.ca().auditKey().publicKey()).hasValue(key);
  }

  @Test
  void twoHalvesThatDontBelongTogetherAreRefused(@TempDir Path other) throws Exception {
    ca.ca().close();
    String strange;
    try (TestCa another = TestCa.in(other)) {
      strange =
          HexFormat.of().formatHex(another.ca().auditKey().publicKey().orElseThrow().getEncoded());
    }
    LedgerPeek.execute(ca.settings.directory(), "UPDATE audit_key SET spki = x'" + strange + "'");
    assertThatThrownBy(ca::reopen).hasMessageContaining("two halves");
    LedgerPeek.execute(ca.settings.directory(), "UPDATE audit_key SET spki = x'00'");
    assertThatThrownBy(ca::reopen).hasMessageContaining("can't be read");
  }
}
