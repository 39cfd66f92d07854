package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.keys.Cryptoki.Function;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who watches for a token that is lost: neither a busy machine nor a neighbour may suffer. */
class Pkcs11WatchTest {
  @TempDir static Path compiled;
  private static Shim shim;
  private static SoftHsm.Token token;
  private static SoftHsm.Token neighbour;

  @TempDir Path home;
  private Pkcs11Place place;
  private PrivateKeyStore store;
  private StoredKey key;

  @BeforeAll
  static void makeTokens() throws Exception {
    shim = Shim.in(compiled);
    token = SoftHsm.here().token("watched");
    neighbour = SoftHsm.here().token("neighbour");
  }

  @AfterAll
  static void removeTokens() throws Exception {
    SoftHsm.remove(token);
    SoftHsm.remove(neighbour);
  }

  @BeforeEach
  void open() throws Exception {
    shim.reset();
    place = new Pkcs11Place(home, token, shim.library());
    store = place.create();
    key = store.make(Pkcs11Place.CA, KeyType.EC_P256);
    shim.reset();
  }

  @AfterEach
  void close() {
    shim.reset();
    store.close();
  }

  private void assertLost() {
    assertThatThrownBy(() -> key.sign(Pkcs11Place.MESSAGE))
        .isInstanceOf(KeyFault.Unavailable.class);
  }

  @Test
  void aThreadThatCouldNotBeStartedIsMadeUpForByTheNextWhoAsks() throws Exception {
    shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
    place.noThreadsFor(1);
    assertLost();
    place.pause();
    assertThat(Pkcs11Place.signs(key)).isTrue();

    shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
    place.noThreadsFor(3);
    assertLost();
    assertLost();
    assertLost();
    assertLost();
    place.pause();
    assertThat(Pkcs11Place.signs(key)).isTrue();
  }

  @Test
  void aTokenThatStaysAwayDoesNotDisturbItsNeighbourForEver() throws Exception {
    Pkcs11Place next =
        new Pkcs11Place(Files.createDirectory(home.resolve("next")), neighbour, shim.library());
    Path away = token.folder().resolve("../../away").normalize();
    try (PrivateKeyStore other = next.create()) {
      StoredKey otherKey = other.make(Pkcs11Place.CA, KeyType.EC_P256);
      shim.reset();
      Files.move(token.folder(), away);
      try {
        assertLost();
        awayFor(30, next);
        long disturbed = shim.calls(Function.INITIALIZE);
        assertThat(disturbed).isBetween(5L, 30L);
        awayFor(30, next);
        assertThat(shim.calls(Function.INITIALIZE)).isEqualTo(disturbed);
        assertThat(store.health().reason())
            .contains("not found", "restart the service", "pkcs11-helper");
        assertThat(Pkcs11Place.signs(otherKey)).isTrue();
      } finally {
        Files.move(away, token.folder());
      }
    }
    place.pause();
    place.pause();
    assertThat(Pkcs11Place.signs(key)).isTrue();
    next.stores.destroy(next.folder, next.uri);
  }

  private void awayFor(int tries, Pkcs11Place next) {
    for (int i = 0; i < tries; i++) {
      place.pass(TimeUnit.MINUTES.toNanos(11));
      place.pause();
      next.pause();
    }
  }
}
