package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.vouchsafe.keys.Cryptoki.Function;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A library that doesn't come back from a call: it keeps few callers, and comes back to life. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Pkcs11HangTest {
  private static final KeyLabel CA = Pkcs11Place.CA;
  private static final byte[] MESSAGE = Pkcs11Place.MESSAGE;
  private static final int CORES = Runtime.getRuntime().availableProcessors();
  private static final long SIGNING = LibraryCalls.Limits.HERE.signing() + 1;

  /** That a caller waits half a second, and something for a busy machine. */
  private static final long SOON = TimeUnit.MILLISECONDS.toNanos(1500);

  @TempDir static Path compiled;
  private static Shim shim;
  private static SoftHsm.Token token;

  @TempDir Path home;
  private Pkcs11Place place;
  private PrivateKeyStore store;
  private StoredKey key;
  private ExecutorService callers;

  @BeforeAll
  static void makeToken() throws Exception {
    shim = Shim.in(compiled);
    token = SoftHsm.here().token("hangs");
  }

  @AfterAll
  static void removeToken() throws Exception {
    SoftHsm.remove(token);
  }

  @BeforeEach
  void open() throws Exception {
    shim.reset();
    place = new Pkcs11Place(home, token, shim.library());
    store = place.create();
    key = store.make(CA, KeyType.EC_P256);
    callers = Executors.newCachedThreadPool();
  }

  @AfterEach
  void close() throws Exception {
    shim.reset();
    callers.close();
    store.close();
    place.stores.destroy(place.folder, place.uri);
  }

  private static void unavailableSoon(ThrowingCallable call, String... words) {
    long start = System.nanoTime();
    assertThatThrownBy(call)
        .isInstanceOf(KeyFault.Unavailable.class)
        .hasMessageContainingAll(words);
    assertThat(System.nanoTime() - start).isLessThan(SOON);
  }

  private List<ThrowingCallable> everyCall() throws KeyFault {
    byte[] sealed = store.seal(CA, MESSAGE);
    return List.of(
        () -> key.sign(MESSAGE),
        () -> store.find(CA),
        () -> store.find(KeyLabel.of("none")),
        () -> store.make(KeyLabel.of("new"), KeyType.EC_P256),
        () -> store.derive(CA),
        () -> store.seal(CA, MESSAGE),
        () -> store.unseal(CA, sealed));
  }

  /** Calls in threads of their own, that are all held up when this returns. */
  private List<Future<Boolean>> hung(Function where, int count, Callable<Boolean> call) {
    shim.hold(where);
    List<Future<Boolean>> hung = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      hung.add(callers.submit(call));
    }
    shim.awaitHeld(count);
    return hung;
  }

  private void releasedAndGood(Function where, List<Future<Boolean>> hung) throws Exception {
    shim.release(where);
    for (Future<Boolean> result : hung) {
      assertThat(result.get()).isTrue();
    }
    place.pause();
    assertThat(Pkcs11Place.signs(key)).isTrue();
    assertThat(store.find(CA)).contains(key);
  }

  @Test
  void signaturesThatHangHoldAsManyCallersAsThereAreCoresAndTheOthersAreToldWithinASecond()
      throws Exception {
    List<ThrowingCallable> calls = everyCall();
    List<Future<Boolean>> hung = hung(Function.SIGN, CORES, () -> Pkcs11Place.signs(key));
    long before = shim.calls();
    AtOnce.run(
        calls.stream()
            .<Callable<Boolean>>map(call ->
                () -> {
                  unavailableSoon(call, "busy");
                  return true;
                })
            .toList());
    place.pass(SIGNING);
    long start = System.nanoTime();
    for (int i = 0; i < 100; i++) {
      for (ThrowingCallable call : calls) {
        unavailableSoon(call, "hangs", shim.library().getFileName().toString());
      }
    }
    // 700 calls: none of them has waited half a second.
    assertThat(System.nanoTime() - start).isLessThan(100 * LibraryCalls.PATIENCE);
    assertThat(shim.calls()).isEqualTo(before);
    releasedAndGood(Function.SIGN, hung);
  }

  /** Before anything is in the token, and nothing gets there when the library comes back. */
  @Test
  void aLibraryThatHangsWhileAStoreIsMadeIsGivenUpAndNamed() throws Exception {
    Path folder = home.resolve("another");
    Pkcs11Stores brief =
        new Pkcs11Stores(
            SoftwareStores.effectiveUser(),
            System::nanoTime,
            TokenLink::inThread,
            0,
            Duration.ofMillis(300));
    long made = shim.calls(Function.GENERATE_KEY);
    shim.hold(Function.OPEN_SESSION);
    assertThatThrownBy(() -> brief.create(folder, place.uri, Pkcs11Place.CRYPTO))
        .isInstanceOf(KeyFault.Unavailable.class)
        .hasMessageContainingAll("module-path " + shim.library(), "hangs", "pkcs11-helper = true");
    assertThat(folder).doesNotExist();
    shim.release(Function.OPEN_SESSION);
    Eventually.isTrue("the maker ends", () -> makers() == 0);
    assertThat(shim.calls(Function.GENERATE_KEY)).isEqualTo(made);
    Pkcs11Stores patient = place.stores;
    patient.create(folder, place.uri, Pkcs11Place.CRYPTO).close();
    patient.destroy(folder, place.uri);
  }

  /** What is made after that is known by the record that stays, and destroyed by the next. */
  @Test
  void whereAKeyMayComeIntoTheTokenLaterItsRecordStays() throws Exception {
    Path folder = home.resolve("another");
    Pkcs11Stores brief =
        new Pkcs11Stores(
            SoftwareStores.effectiveUser(),
            System::nanoTime,
            TokenLink::inThread,
            0,
            Duration.ofMillis(300));
    shim.hold(Function.GENERATE_KEY);
    assertThatThrownBy(() -> brief.create(folder, place.uri, Pkcs11Place.CRYPTO))
        .isInstanceOf(KeyFault.Unavailable.class)
        .hasMessageContaining("hangs");
    assertThat(folder.resolve(StoreId.FILE)).exists();
    shim.release(Function.GENERATE_KEY);
    Eventually.isTrue("the maker ends", () -> makers() == 0);
    place.stores.destroy(folder, place.uri);
  }

  private static long makers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("token-making"))
        .count();
  }

  @Test
  void oneSignatureThatHangsKeepsAllOthersOutOfTheLibraryUntilItReturns() throws Exception {
    List<ThrowingCallable> calls = everyCall();
    List<Future<Boolean>> hung = hung(Function.SIGN, 1, () -> Pkcs11Place.signs(key));
    place.pass(SIGNING);
    long before = shim.calls();
    for (ThrowingCallable call : calls) {
      unavailableSoon(call, "hangs");
    }
    assertThat(shim.calls()).isEqualTo(before);
    releasedAndGood(Function.SIGN, hung);
  }

  @Test
  void aCallThatHangsIsNotForgottenWhenTheTokenIsLostBesideIt() throws Exception {
    assumeThat(CORES).as("cores").isGreaterThan(1);
    List<ThrowingCallable> calls = everyCall();
    List<Future<Boolean>> hung = hung(Function.SIGN, 1, () -> Pkcs11Place.signs(key));
    shim.answerOnce(Function.SIGN_INIT, Ckr.DEVICE_REMOVED);
    unavailableSoon(() -> key.sign(MESSAGE), "CKR_DEVICE_REMOVED");
    // Neither a connection that is open anew nor the way to open one is used then.
    for (int i = 0; i < 2; i++) {
      place.pass(SIGNING);
      long before = shim.calls();
      for (ThrowingCallable call : calls) {
        unavailableSoon(call, "hangs");
      }
      assertThat(shim.calls()).isEqualTo(before);
    }
    place.pause();
    releasedAndGood(Function.SIGN, hung);
  }

  @Test
  void aStoreIsClosedWhileASignatureHangsAndTheLibraryIsLeftWhenItReturns() throws Exception {
    List<Future<Boolean>> hung = hung(Function.SIGN, CORES, () -> Pkcs11Place.signs(key));
    long start = System.nanoTime();
    store.close();
    assertThat(System.nanoTime() - start).isLessThan(SOON);
    unavailableSoon(() -> key.sign(MESSAGE), "closed");
    assertThat(shim.calls(Function.FINALIZE)).isEqualTo(1);
    shim.release(Function.SIGN);
    for (Future<Boolean> result : hung) {
      assertThat(result.get()).isTrue();
    }
    assertThat(shim.calls(Function.FINALIZE)).isEqualTo(2);
  }

  @Test
  void aStoreIsClosedThoughTheLibraryHangsWhenItIsLeft() throws Exception {
    Pkcs11Place other =
        new Pkcs11Place(Files.createDirectory(home.resolve("x")), token, shim.library());
    shim.hold(Function.CLOSE_SESSION);
    long start = System.nanoTime();
    store.close();
    assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(4));
    shim.release(Function.CLOSE_SESSION);
    other.create().close();
    other.stores.destroy(other.folder, other.uri);
  }

  @Test
  void aHangWhileTheTokenIsOpenedAnewKeepsNoCaller() throws Exception {
    List<ThrowingCallable> calls = everyCall();
    for (Function where :
        List.of(
            Function.INITIALIZE, Function.GET_TOKEN_INFO, Function.LOGIN, Function.FIND_OBJECTS)) {
      shim.answerOnce(Function.SIGN, Ckr.DEVICE_REMOVED);
      unavailableSoon(() -> key.sign(MESSAGE), "C_Sign");
      List<Future<Boolean>> hung =
          hung(
              where,
              1,
              () -> {
                place.pause();
                return true;
              });
      long before = shim.calls();
      long start = System.nanoTime();
      for (ThrowingCallable call : calls) {
        unavailableSoon(call, "CKR_DEVICE_REMOVED");
        place.pass(SIGNING);
      }
      assertThat(shim.calls()).isEqualTo(before);
      assertThat(System.nanoTime() - start).isLessThan(LibraryCalls.PATIENCE);
      releasedAndGood(where, hung);
    }
  }

  @Test
  void aHangWhileOneStoreIsOpenedIsToldToTheOthersInThatLibrary() throws Exception {
    Pkcs11Place second =
        new Pkcs11Place(Files.createDirectory(home.resolve("x")), token, shim.library());
    shim.hold(Function.LOGIN);
    Future<PrivateKeyStore> opened = callers.submit(second::create);
    shim.awaitHeld(1);
    second.pass(TimeUnit.MINUTES.toNanos(1));
    unavailableSoon(() -> key.sign(MESSAGE), "hangs");
    shim.release(Function.LOGIN);
    opened.get().close();
    assertThat(Pkcs11Place.signs(key)).isTrue();
    second.stores.destroy(second.folder, second.uri);
  }

  @Test
  void whileAKeyIsMadeTheNextMakerIsToldWithinASecondAndSignersGoOn() throws Exception {
    List<ThrowingCallable> calls = everyCall();
    List<Future<Boolean>> hung =
        hung(
            Function.GENERATE_KEY_PAIR,
            1,
            () -> Pkcs11Place.signs(store.make(KeyLabel.of("slow"), KeyType.EC_P256)));
    place.pass(TimeUnit.MINUTES.toNanos(1));
    assertThatThrownBy(() -> store.make(KeyLabel.of("new"), KeyType.EC_P256))
        .isInstanceOf(KeyFault.Unavailable.class)
        .hasMessageContaining("another key");
    if (CORES > 1) {
      assertThat(Pkcs11Place.signs(key)).isTrue();
    }
    place.pass(LibraryCalls.Limits.HERE.making());
    long before = shim.calls();
    for (ThrowingCallable call : calls) {
      assertThatThrownBy(call).isInstanceOf(KeyFault.Unavailable.class);
    }
    assertThat(shim.calls()).isEqualTo(before);
    releasedAndGood(Function.GENERATE_KEY_PAIR, hung);
  }
}
