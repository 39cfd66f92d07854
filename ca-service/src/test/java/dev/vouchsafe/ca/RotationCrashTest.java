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
import java.nio.file.StandardCopyOption;
import java.security.cert.X509Certificate;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every step of device CA and root, killed before and after each of its durable writes: the next
 * start has taken it or not, says so, and the step can be taken again. The steps are those that
 * {@link RotationModel} finds can be taken, which also says what each makes of what there was.
 */
class RotationCrashTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);

  /** Where the next device CA is made: the crash of a step that moves what is sealed is another. */
  record Case(RotationModel.Scenario scenario, Optional<String> keyStore) {
    @Override
    public String toString() {
      return scenario + keyStore.map(name -> " in " + name).orElse("");
    }

    RotationModel before() {
      RotationModel model = RotationModel.initial();
      for (RotationModel.Move move : scenario.before()) {
        model = model.after(move);
      }
      return model;
    }

    void take(CertificateAuthority ca, RotationModel.Move move) throws IssuanceException {
      RotationModel.take(ca, "uid 0", move, keyStore);
    }
  }

  static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (RotationModel.Scenario scenario : RotationModel.scenarios(5)) {
      cases.add(new Case(scenario, Optional.empty()));
      if (scenario.move().role() == Role.DEVICE) {
        cases.add(new Case(scenario, Optional.of("pkcs11")));
      }
    }
    cases.add(new Case(RotationModel.besideOneThatWasGivenUp(), Optional.empty()));
    return cases;
  }

  /** All but the one that there is not: a device CA is not published. */
  @Test
  void everyStepOfEachRoleIsAmongThem() {
    Set<String> wanted = new HashSet<>();
    for (RotationStep step : RotationStep.values()) {
      for (Role role : new Role[] {Role.DEVICE, Role.ROOT}) {
        if (step != RotationStep.PUBLISH || role == Role.ROOT) {
          wanted.add(step + " " + role);
        }
      }
    }
    List<RotationModel.Move> moves =
        cases().stream().map(it -> it.scenario().move()).distinct().toList();
    assertThat(moves.stream().map(it -> it.step() + " " + it.role()).collect(Collectors.toSet()))
        .isEqualTo(wanted);
    assertThat(moves.stream().filter(it -> it.step() == RotationStep.ABORT).map(Object::toString))
        .as("from every state that can be given up")
        .containsExactlyInAnyOrder(
            "ABORT DEVICE from PREPARED",
            "ABORT DEVICE from ACTIVE",
            "ABORT ROOT from PREPARED",
            "ABORT ROOT from PUBLISHED",
            "ABORT ROOT from ACTIVE");
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

  /** A home in which the steps before are taken, to be copied. */
  private static Path template(Path home, Case tried) throws Exception {
    try (TestCa ca = TestCa.in(home)) {
      var _ =
          TrustBundleStore.create(
              home.resolve("bundle.json"), Duration.ofHours(1), List.of(ca.root()));
      ca.reopen(rootBundle(home, ca, bundles(home)));
      for (RotationModel.Move before : tried.scenario().before()) {
        tried.take(ca.ca(), before);
      }
      assertThat(RotationModel.of(ca.ca())).isEqualTo(tried.before().renumbered());
    }
    return home;
  }

  private static Path copied(Path from, Path to) throws IOException {
    List<Path> all;
    try (Stream<Path> walk = Files.walk(from)) {
      all = walk.toList();
    }
    for (Path path : all) {
      Files.copy(path, to.resolve(from.relativize(path)), StandardCopyOption.COPY_ATTRIBUTES);
    }
    return to;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void whateverWasWrittenTheNextStartHasTakenTheStepOrNot(Case tried) throws Exception {
    RotationModel untaken = tried.before().renumbered();
    RotationModel.Move move = tried.scenario().move();
    RotationModel taken = tried.before().after(move).renumbered();
    Path template = template(Files.createDirectory(folder.resolve("template")), tried);
    boolean finished = false;
    int killed = 0;
    for (int commits = 1; !finished; commits++) {
      for (boolean after : new boolean[] {false, true}) {
        Path home = copied(template, folder.resolve(commits + "-" + after));
        try (TestCa ca = TestCa.reopened(TestCa.settings(home))) {
          DyingDisk disk = new DyingDisk();
          ca.bundle(rootBundle(home, ca, dying(bundles(home), disk)));
          ca.reopen(disk, Duration.ofSeconds(30));
          disk.arm(commits, after);
          try {
            tried.take(ca.ca(), move);
            finished |= !disk.isDead();
          } catch (IssuanceException e) {
            assertThat(disk.isDead()).as("only the kill stops it: " + e).isTrue();
          }
          killed += disk.isDead() ? 1 : 0;
          ca.restart(rootBundle(home, ca, bundles(home)));
          assertWhole(ca, home);
          assertJournal(ca, move, RotationModel.of(ca.ca()).equals(taken));
          if (!RotationModel.of(ca.ca()).equals(taken)) {
            assertThat(RotationModel.of(ca.ca())).as("not half of it").isEqualTo(untaken);
            tried.take(ca.ca(), move);
          }
          assertThat(RotationModel.of(ca.ca())).as("not stuck").isEqualTo(taken);
          assertWhole(ca, home);
        }
      }
      assertThat(commits).as("a step ends").isLessThan(40);
    }
    assertThat(killed).as("it was killed in the middle").isGreaterThan(2);
  }

  /** The last line says what became of it, unless not even its beginning was written. */
  private static void assertJournal(TestCa ca, RotationModel.Move move, boolean taken)
      throws IssuanceException {
    RotationStanding standing = ca.ca().changes().standing();
    assertThat(standing.journal())
        .extracting(RotationEvent::outcome)
        .doesNotContain(RotationEvent.Outcome.BEGUN);
    Optional<RotationEvent> last =
        standing.journal().stream().filter(it -> it.by().equals("uid 0")).findFirst();
    if (taken) {
      assertThat(last)
          .hasValueSatisfying(event -> {
            assertThat(event.step()).isEqualTo(move.step());
            assertThat(event.role()).isEqualTo(move.role());
            assertThat(event.outcome()).isEqualTo(RotationEvent.Outcome.DONE);
          });
    }
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
    for (AuthorityInfo root : ca.ca().authorities()) {
      if (root.role() == Role.ROOT
          && root.state() != State.RETIRED
          && root.state() != State.ACTIVE) {
        assertThat(crosses(home, root.id())).as("both vouch for each other").isEqualTo(2);
      }
    }
    assertThat(ca.ca().prove())
        .extracting(AuthorityProof::outcome)
        .containsOnly(AuthorityProof.Outcome.WORKS);
  }

  private static int crosses(Path home, String root) throws SQLException {
    try (Connection connection = LedgerPeek.connect(TestCa.settings(home).directory());
        PreparedStatement query =
            connection.prepareStatement(
                "SELECT COUNT(*) FROM cross_certificate c JOIN authority a"
                    + " ON a.id IN (c.subject, c.issuer)"
                    + " WHERE c.certificate IS NOT NULL AND a.role = 'root' AND a.generation = ?")) {
      query.setInt(1, Integer.parseInt(root.substring(root.indexOf('-') + 1)));
      try (ResultSet rows = query.executeQuery()) {
        return rows.next() ? rows.getInt(1) : 0;
      }
    }
  }
}
