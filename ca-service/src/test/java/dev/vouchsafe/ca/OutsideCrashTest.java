package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.clock.TrustedClocks;
import dev.vouchsafe.trust.TrustBundleStore;
import dev.vouchsafe.trust.TrustBundles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The process is killed at every write of a step of a device CA that others certify. */
class OutsideCrashTest {
  /** What an administrator does, on a home that is ready for it. */
  enum Step {
    REQUEST,
    ANSWER,
    ANSWER_UNDER_ANOTHER_ROOT,
    GIVE_UP
  }

  private static final Duration REFRESH = Duration.ofHours(1);

  private final Instant now = Instant.now().plusSeconds(60);

  @TempDir Path folder;
  private OpensslCa openssl;

  @BeforeEach
  void makeTheCaOfOthers() throws Exception {
    openssl = new OpensslCa(folder).root("top").root("newtop");
  }

  /** A home under an openssl CA, ready for that step; its answer is in device.pem. */
  private Path made(Step step) throws Exception {
    Path home = Files.createDirectory(folder.resolve("home"));
    CaSettings settings = TestCa.settings(home);
    List<X509Certificate> anchors = new ArrayList<>();
    try (InsecureStores stores = TestCa.stores(settings)) {
      CertificateAuthorities.create(
          settings, stores, TestCa.CRYPTO, () -> now, new RootSource.Request());
      answer(CertificateAuthorities.requests(settings.directory()).getFirst(), "top");
      CertificateAuthorities.accept(
          settings,
          stores,
          TestCa.CRYPTO,
          TrustedClocks.believing(() -> now),
          openssl.together("device.pem", "top.pem"),
          anchors::add);
      var _ = TrustBundleStore.create(home.resolve("bundle.json"), REFRESH, anchors);
      if (step != Step.REQUEST) {
        AuthorityRequest next =
            CertificateAuthorities.request(
                settings,
                stores,
                TestCa.CRYPTO,
                TrustedClocks.believing(() -> now),
                Optional.empty());
        answer(next, step == Step.ANSWER_UNDER_ANOTHER_ROOT ? "newtop" : "top");
      }
    }
    return home;
  }

  private void answer(AuthorityRequest request, String by) throws Exception {
    openssl.write("device.csr", request.pem());
    openssl.answered("device", by);
  }

  private void take(Step step, AuthorityChanges changes) throws Exception {
    switch (step) {
      case REQUEST -> {
        AuthorityRequest _ = changes.request(Optional.empty());
      }
      case ANSWER -> {
        StepTaken _ = changes.accept(openssl.together("device.pem", "top.pem"), true);
      }
      case ANSWER_UNDER_ANOTHER_ROOT -> {
        StepTaken _ = changes.accept(openssl.together("device.pem", "newtop.pem"), true);
      }
      case GIVE_UP -> changes.giveUp("device-2");
    }
  }

  private static Path copied(Path home, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(home)) {
      for (Path each : files.toList()) {
        Files.copy(each, to.resolve(home.relativize(each).toString()));
      }
    }
    return to;
  }

  private TestCa opened(Path home) throws Exception {
    TestCa ca = TestCa.reopened(TestCa.settings(home), now);
    ca.reopen(bundle(home, ca));
    return ca;
  }

  private static RootBundle bundle(Path home, TestCa ca) throws IOException {
    TrustBundles bundles = TrustBundleStore.open(home.resolve("bundle.json"), REFRESH);
    return new RootBundle(
        bundles,
        TrustBundleStore.readers(home.resolve("readers.json"), 1, ca.clock, ca.clock::nanoTime));
  }

  /** How it all stands; numbers are not told, since each attempt uses one up. */
  private static String standing(TestCa ca, Path home) throws Exception {
    TreeSet<String> lines = new TreeSet<>();
    for (AuthorityInfo authority : ca.ca().authorities()) {
      if (authority.state() != State.RETIRED) {
        lines.add(authority.role() + " " + authority.state());
      }
    }
    lines.add("waiting " + ca.ca().changes().requests().size());
    for (X509Certificate root :
        TrustBundleStore.open(home.resolve("bundle.json"), REFRESH).current().roots()) {
      lines.add("bundle " + root.getSubjectX500Principal().getName());
    }
    return lines.toString();
  }

  private void assertWhole(TestCa ca) throws Exception {
    List<X509Certificate> chain =
        TestCa.chain(ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)));
    chain.get(0).verify(chain.get(1).getPublicKey());
    chain.get(1).verify(ca.root().getPublicKey());
    assertThat(ca.ca().changes().standing().journal())
        .extracting(RotationEvent::outcome)
        .doesNotContain(RotationEvent.Outcome.BEGUN);
  }

  @ParameterizedTest
  @EnumSource
  void whateverWasWrittenTheNextStartHasTakenTheWholeStepOrNothingOfIt(Step step) throws Exception {
    Path home = made(step);
    String before;
    String after;
    Path whole = copied(home, folder.resolve("whole"));
    try (TestCa ca = opened(whole)) {
      before = standing(ca, whole);
      take(step, ca.ca().changes());
      after = standing(ca, whole);
      assertThat(after).isNotEqualTo(before);
    }
    boolean finished = false;
    int killed = 0;
    for (int commits = 1; !finished; commits++) {
      for (boolean done : new boolean[] {false, true}) {
        Path copy = copied(home, folder.resolve(commits + "-" + done));
        try (TestCa ca = opened(copy)) {
          DyingDisk disk = new DyingDisk();
          ca.reopen(disk, Duration.ofSeconds(30));
          disk.arm(commits, done);
          try {
            take(step, ca.ca().changes());
            finished |= !disk.isDead();
          } catch (IssuanceException e) {
            assertThat(disk.isDead()).as("only the kill stops it: " + e).isTrue();
          }
          killed += disk.isDead() ? 1 : 0;
          ca.restart(bundle(copy, ca));
          assertWhole(ca);
          assertThat(standing(ca, copy)).isIn(before, after);
          if (standing(ca, copy).equals(before)) {
            take(step, ca.ca().changes());
          }
          assertThat(standing(ca, copy)).isEqualTo(after);
          assertWhole(ca);
        }
      }
      assertThat(commits).as("a step ends").isLessThan(20);
    }
    assertThat(killed).as("it was killed in the middle").isGreaterThan(1);
  }
}
