package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A library in a helper process that crashes, hangs or is killed: this process goes on. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Pkcs11HelperTest {
  private static final KeyLabel CA = Pkcs11Place.CA;
  private static final byte[] MESSAGE = Pkcs11Place.MESSAGE;

  /** Two seconds are promised; the rest is for a busy machine. */
  private static final Duration NEVER_A_HANG = Duration.ofSeconds(4);

  @TempDir static Path compiled;
  private static Trap trap;
  private static SoftHsm.Token token;

  @TempDir Path home;
  private Pkcs11Settings settings;
  private PrivateKeyStore store;
  private StoredKey key;

  @BeforeAll
  static void makeToken() throws Exception {
    trap = Trap.in(compiled);
    token = SoftHsm.here().token("helped");
  }

  @AfterAll
  static void removeToken() throws Exception {
    SoftHsm.remove(token);
  }

  @BeforeEach
  void open() throws Exception {
    trap.release();
    settings = new Pkcs11Settings(Pkcs11Uri.parse(token.uri(trap.library())), true);
    store = PrivateKeyStores.createPkcs11(home.resolve("keys"), settings, Pkcs11Place.CRYPTO);
    key = store.make(CA, KeyType.EC_P256);
  }

  @AfterEach
  void close() throws Exception {
    trap.release();
    store.close();
    PrivateKeyStores.destroyPkcs11(home.resolve("keys"), settings);
    assertThat(running(ProcessHandle.allProcesses())).as("helpers that are left").isEmpty();
  }

  /** Our own processes that run the library: servers and their workers. */
  private static List<ProcessHandle> helpers() {
    return running(ProcessHandle.current().descendants());
  }

  private static List<ProcessHandle> running(Stream<ProcessHandle> among) {
    return among
        .filter(process -> words(process).stream().anyMatch(trap.library().toString()::equals))
        .toList();
  }

  private static List<String> words(ProcessHandle process) {
    try {
      return List.of(
          Files.readString(Path.of("/proc", Long.toString(process.pid()), "cmdline"))
              .split("\0", -1));
    } catch (java.io.IOException e) {
      return List.of();
    }
  }

  private static Optional<ProcessHandle> server() {
    return helpers().stream().filter(process -> words(process).contains("--foreground")).findAny();
  }

  private Duration unavailable() {
    long start = System.nanoTime();
    assertThatThrownBy(() -> key.sign(MESSAGE)).isInstanceOf(KeyFault.Unavailable.class);
    return Duration.ofNanos(System.nanoTime() - start);
  }

  @Test
  void theLibraryIsInNoMapOfThisProcessAndAllCallsWork() throws Exception {
    assertThat(Pkcs11Place.signs(key)).isTrue();
    assertThat(store.unseal(CA, store.seal(CA, MESSAGE))).isEqualTo(MESSAGE);
    assertThat(Files.readString(Path.of("/proc/self/maps")))
        .doesNotContain(trap.library().toString());
    Eventually.isTrue("a server and a worker", () -> helpers().size() == 2);
    store.close();
    assertThat(helpers()).isEmpty();
    store = PrivateKeyStores.openPkcs11(home.resolve("keys"), settings, Pkcs11Place.CRYPTO);
    assertThat(store.find(CA).orElseThrow().publicKey()).isEqualTo(key.publicKey());
    assertThat(PrivateKeyStores.examinePkcs11(home.resolve("keys"), settings))
        .extracting(KeyStoreFinding::outcome)
        .containsOnly(KeyStoreFinding.Outcome.OK);
  }

  @Test
  void aLibraryThatCrashesInASignatureTakesNobodyDownAndTheNextIsGood() throws Exception {
    for (int round = 0; round < 3; round++) {
      trap.crash();
      Duration down = Eventually.signs(key);
      assertThat(trap.hasCrashed()).isTrue();
      assertThat(down).isLessThan(NEVER_A_HANG);
      assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
    }
  }

  @Test
  void aLibraryThatHangsInASignatureIsKilledAndItsCallersAreToldUnavailable() throws Exception {
    trap.hang();
    List<Callable<Duration>> callers = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      callers.add(this::unavailable);
    }
    assertThat(AtOnce.run(callers)).allSatisfy(took -> assertThat(took).isLessThan(NEVER_A_HANG));
    trap.release();
    System.out.println("after a hang, the first signature came in " + Eventually.signs(key));
  }

  @Test
  void aCallerWhoseCallHasHungIsNotMadeToWaitForASecondOne() throws Exception {
    trap.hang();
    assertThat(unavailable()).isLessThan(NEVER_A_HANG);
    assertThat(trap.hangs()).isEqualTo(1);
  }

  @Test
  void aServerThatDiesWhileItsWorkerHangsTakesThatAlongAndTheStoreGoesOn() throws Exception {
    trap.hang();
    List<ProcessHandle> before = helpers();
    ProcessHandle first = server().orElseThrow();
    List<Duration> took =
        AtOnce.run(
            List.of(
                this::unavailable,
                () -> {
                  Duration hung = Eventually.isTrue("a hang", () -> trap.hangs() > 0);
                  first.destroyForcibly();
                  return hung;
                }));
    assertThat(took.getFirst()).isLessThan(NEVER_A_HANG);
    Eventually.isTrue("none is left", () -> before.stream().noneMatch(ProcessHandle::isAlive));
    trap.release();
    Eventually.signs(key);
    assertThat(store.health()).isEqualTo(KeyStoreHealth.UP);
  }

  @Test
  void whatAKilledServiceHasLeftHangingIsKilledByTheNextStart() throws Exception {
    Path left;
    try (ChildJvm service =
        new ChildJvm(
            List.of(),
            TokenSigner.class,
            List.of(home.resolve("keys").toString(), token.uri(trap.library()), "true"))) {
      List<ProcessHandle> ours = helpers();
      assertThat(service.line()).isEqualTo("signs true");
      List<ProcessHandle> theirs = new ArrayList<>(running(ProcessHandle.allProcesses()));
      theirs.removeAll(ours);
      List<String> command =
          theirs.stream()
              .map(Pkcs11HelperTest::words)
              .filter(words -> words.contains("--foreground"))
              .findAny()
              .orElseThrow();
      left = Path.of(command.get(command.indexOf("--name") + 1)).getParent();
      trap.hang();
      Eventually.isTrue("a hang", () -> trap.hangs() > 0);
      service.kill();
      assertThat(theirs).anyMatch(ProcessHandle::isAlive);
      assertThat(left).exists();
      store.close();
      PrivateKeyStores.openPkcs11(home.resolve("keys"), settings, Pkcs11Place.CRYPTO).close();
      Eventually.isTrue("none is left", () -> theirs.stream().noneMatch(ProcessHandle::isAlive));
    }
    assertThat(left).doesNotExist();
    trap.release();
    store = PrivateKeyStores.openPkcs11(home.resolve("keys"), settings, Pkcs11Place.CRYPTO);
  }

  @Test
  void aServerThatIsKilledIsStartedAgain() throws Exception {
    ProcessHandle first = server().orElseThrow();
    for (ProcessHandle helper : helpers()) {
      helper.destroyForcibly();
    }
    Duration down = Eventually.signs(key);
    System.out.println("after a kill, the first signature came in " + down);
    assertThat(server().orElseThrow().pid()).isNotEqualTo(first.pid());
    assertThat(down).isLessThan(NEVER_A_HANG);
  }

  @Test
  void aLibraryThatHangsAtTheStartIsToldAndTheStoreComesUpWhenItDoes() throws Exception {
    store.close();
    trap.hangAtStart();
    long start = System.nanoTime();
    store = PrivateKeyStores.openPkcs11(home.resolve("keys"), settings, Pkcs11Place.CRYPTO);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
    assertThat(store.health().state()).isNotEqualTo(KeyStoreHealth.State.UP);
    assertThatThrownBy(() -> store.find(CA)).isInstanceOf(KeyFault.Unavailable.class);
    trap.release();
    Eventually.isTrue("up", () -> store.health().equals(KeyStoreHealth.UP));
    assertThat(Pkcs11Place.signs(store.find(CA).orElseThrow())).isTrue();
  }

  @Test
  void theSocketIsInAFolderForUsAloneWhichGoesWithTheStore() throws Exception {
    List<String> command = words(server().orElseThrow());
    Path socket = Path.of(command.get(command.indexOf("--name") + 1));
    Path folder = java.util.Objects.requireNonNull(socket.getParent());
    assertThat(SoftwareFolder.mode(folder)).isEqualTo("rwx------");
    assertThat(command.toString()).doesNotContain(token.pin());
    store.close();
    assertThat(folder).doesNotExist();
  }

  @Test
  void aHelperEndsWithItsServiceAlsoWhenThatIsKilled() throws Exception {
    store.close();
    try (ChildJvm service =
        new ChildJvm(
            List.of(),
            TokenSigner.class,
            List.of(home.resolve("keys").toString(), token.uri(trap.library()), "true"))) {
      assertThat(service.line()).isEqualTo("signs true");
      assertThat(running(ProcessHandle.allProcesses())).hasSizeGreaterThanOrEqualTo(2);
      service.kill();
      Eventually.isTrue("no helper is left", () -> running(ProcessHandle.allProcesses()).isEmpty());
    }
    store = PrivateKeyStores.openPkcs11(home.resolve("keys"), settings, Pkcs11Place.CRYPTO);
  }

  @Test
  void twoStoresHaveHelpersOfTheirOwnAndOneIsKilledWhileTheOtherSignsOn() throws Exception {
    Path other = Files.createDirectory(home.resolve("other")).resolve("keys");
    ProcessHandle first = server().orElseThrow();
    try (PrivateKeyStore second =
        PrivateKeyStores.createPkcs11(other, settings, Pkcs11Place.CRYPTO)) {
      StoredKey secondKey = second.make(CA, KeyType.EC_P256);
      try (Stream<ProcessHandle> workers = first.descendants()) {
        workers.forEach(ProcessHandle::destroyForcibly);
      }
      first.destroyForcibly();
      for (int i = 0; i < 200; i++) {
        assertThat(Pkcs11Place.signs(secondKey)).isTrue();
      }
      Eventually.signs(key);
    } finally {
      PrivateKeyStores.destroyPkcs11(other, settings);
    }
  }
}
