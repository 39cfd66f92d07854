package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.trust.TrustBundleStore;
import dev.vouchsafe.trust.TrustBundles;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every step of device CA and root, killed before and after each of its durable writes: the next
 * start has taken it or not, says so, and the step can be taken again.
 */
class RotationCrashTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);

  /** Takes one step. */
  private interface Taking {
    void take(AuthorityChanges changes) throws IssuanceException;
  }

  /** The list of steps: what leads to each, and the step. What takes them has no state. */
  @SuppressWarnings("ImmutableEnumChecker")
  enum Step {
    PREPARE_DEVICE(changes -> {}, changes -> changes.prepare(Role.DEVICE, Optional.empty())),
    PREPARE_DEVICE_ELSEWHERE(
        changes -> {}, changes -> changes.prepare(Role.DEVICE, Optional.of("pkcs11"))),
    ABORT_PREPARED_DEVICE(PREPARE_DEVICE.step, changes -> changes.abort("device-2")),
    ACTIVATE_DEVICE(PREPARE_DEVICE.step, changes -> changes.activate("device-2")),
    ACTIVATE_DEVICE_ELSEWHERE(
        PREPARE_DEVICE_ELSEWHERE.step, changes -> changes.activate("device-2")),
    ABORT_ACTIVE_DEVICE(
        PREPARE_DEVICE_ELSEWHERE.then(ACTIVATE_DEVICE), changes -> changes.abort("device-2")),
    RETIRE_DEVICE(
        PREPARE_DEVICE.then(ACTIVATE_DEVICE), changes -> changes.retire("device-1", true)),
    PREPARE_ROOT(changes -> {}, changes -> changes.prepare(Role.ROOT, Optional.empty())),
    ABORT_PREPARED_ROOT(PREPARE_ROOT.step, changes -> changes.abort("root-2")),
    PUBLISH_ROOT(PREPARE_ROOT.step, changes -> changes.publish("root-2")),
    ABORT_PUBLISHED_ROOT(PREPARE_ROOT.then(PUBLISH_ROOT), changes -> changes.abort("root-2")),
    ACTIVATE_ROOT(PREPARE_ROOT.then(PUBLISH_ROOT), changes -> changes.activate("root-2", true)),
    ABORT_ACTIVE_ROOT(
        PREPARE_ROOT.then(PUBLISH_ROOT, ACTIVATE_ROOT), changes -> changes.abort("root-2")),
    RETIRE_ROOT(
        PREPARE_ROOT.then(PUBLISH_ROOT, ACTIVATE_ROOT), changes -> changes.retire("root-1", true));

    private final Taking before;
    private final Taking step;

    Step(Taking before, Taking step) {
      this.before = before;
      this.step = step;
    }

    private Taking then(Step... more) {
      return changes -> {
        step.take(changes);
        for (Step next : more) {
          next.step.take(changes);
        }
      };
    }
  }

  @TempDir Path folder;

  /** The bundle's file of a process: it dies with its ledger. */
  private static TrustBundles dying(TrustBundles real, DyingDisk disk) {
    return (TrustBundles)
        Proxy.newProxyInstance(
            RotationCrashTest.class.getClassLoader(),
            new Class<?>[] {TrustBundles.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("change") && disk.isDead()) {
                throw new IOException("the process was killed");
              }
              try {
                return method.invoke(real, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static TrustBundles bundles(Path home) throws IOException {
    return TrustBundleStore.open(home.resolve("bundle.json"), Duration.ofHours(1));
  }

  private static RootBundle rootBundle(Path home, TestCa ca, TrustBundles bundles)
      throws IOException {
    return new RootBundle(
        bundles,
        TrustBundleStore.readers(home.resolve("readers.json"), 1, ca.clock, ca.clock::nanoTime));
  }

  /** Every authority that has not retired, and where it stands. */
  private static Map<String, State> states(TestCa ca) {
    Map<String, State> states = new TreeMap<>();
    for (AuthorityInfo authority : ca.ca().authorities()) {
      if (authority.state() != State.RETIRED) {
        states.put(authority.id(), authority.state());
      }
    }
    return states;
  }

  private TestCa made(Path home) throws Exception {
    CaSettings settings = TestCa.settings(home);
    TestCa ca = TestCa.with(settings);
    var _ =
        TrustBundleStore.create(
            home.resolve("bundle.json"), Duration.ofHours(1), List.of(ca.root()));
    ca.reopen(rootBundle(home, ca, bundles(home)));
    return ca;
  }

  @ParameterizedTest
  @EnumSource
  void whateverWasWrittenTheNextStartHasTakenTheStepOrNot(Step step) throws Exception {
    boolean finished = false;
    int killed = 0;
    for (int commits = 1; !finished; commits++) {
      for (boolean after : new boolean[] {false, true}) {
        Path home = Files.createDirectory(folder.resolve(commits + "-" + after));
        try (TestCa ca = made(home)) {
          step.before.take(ca.ca().changes());
          Map<String, State> untaken = states(ca);
          DyingDisk disk = new DyingDisk();
          ca.reopen(rootBundle(home, ca, dying(bundles(home), disk)));
          ca.reopen(disk, Duration.ofSeconds(30));
          disk.arm(commits, after);
          try {
            step.step.take(ca.ca().changes().by("uid 0"));
            finished |= !disk.isDead();
          } catch (IssuanceException e) {
            assertThat(disk.isDead()).as("only the kill stops it: " + e).isTrue();
          }
          killed += disk.isDead() ? 1 : 0;
          ca.restart(rootBundle(home, ca, bundles(home)));
          assertWhole(ca, home);
          if (states(ca).equals(untaken)) {
            step.step.take(ca.ca().changes());
          }
          assertThat(states(ca)).as("not stuck").isNotEqualTo(untaken);
          assertWhole(ca, home);
        }
      }
      assertThat(commits).as("a step ends").isLessThan(40);
    }
    assertThat(killed).as("it was killed in the middle").isGreaterThan(2);
  }

  private static void assertWhole(TestCa ca, Path home) throws Exception {
    List<X509Certificate> chain = TestCa.chain(ca.issue(TestCa.grant(), REQUEST));
    chain.get(0).verify(chain.get(1).getPublicKey());
    chain.get(1).verify(ca.root().getPublicKey());
    assertThat(ca.ca().authorities())
        .filteredOn(it -> it.state() == State.ACTIVE)
        .extracting(AuthorityInfo::role)
        .containsExactlyInAnyOrder(Role.ROOT, Role.DEVICE);
    List<X509Certificate> published =
        ca.ca().authorities().stream()
            .filter(it -> it.role() == Role.ROOT)
            .filter(it -> it.state() != State.RETIRED && it.state() != State.PREPARED)
            .map(AuthorityInfo::certificate)
            .toList();
    assertThat(bundles(home).current().roots())
        .as("the bundle follows the ledger")
        .containsExactlyInAnyOrderElementsOf(published);
    assertThat(ca.ca().changes().standing().journal())
        .extracting(RotationEvent::outcome)
        .doesNotContain(RotationEvent.Outcome.BEGUN);
    assertThat(ca.ca().prove())
        .extracting(AuthorityProof::outcome)
        .containsOnly(AuthorityProof.Outcome.WORKS);
  }
}
