package dev.vouchsafe.ca;

import dev.vouchsafe.trust.TrustBundleStore;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * A process that takes one step after the other with device CA and root, whichever can be taken,
 * and issues, until it is killed.
 */
final class AuthorityMover {
  private AuthorityMover() {}

  /**
   * Runs until it is killed.
   *
   * @param arguments the folder, and a number by which steps are chosen
   */
  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    Random random = new Random(Long.parseLong(arguments[1]));
    CaSettings settings = TestCa.settings(folder);
    TestCa.Clock clock = new TestCa.Clock();
    try (InsecureStores stores = TestCa.stores(settings);
        CertificateAuthority ca =
            CertificateAuthorities.open(
                settings,
                stores,
                TestCa.CRYPTO,
                clock,
                Runnable::run,
                RotationSettings.byHand(),
                () -> bundle(folder, clock))) {
      say("open");
      while (true) {
        List<RotationModel.Move> moves = RotationModel.of(ca).moves();
        RotationModel.Move move = moves.get(random.nextInt(moves.size()));
        Optional<String> store =
            move.role() == AuthorityInfo.Role.DEVICE && random.nextBoolean()
                ? Optional.of("pkcs11")
                : Optional.empty();
        try {
          RotationModel.take(ca, "uid 0", move, store);
          say("taken " + move);
        } catch (IssuanceException e) {
          // What was given up once is not gone back to, and whether it was, nobody sees from here.
          if (e.reason() != IssuanceException.Reason.AUTHORITY_STATE
              || move.step() != RotationStep.ABORT) {
            throw e;
          }
        }
        CertificateRequest request = CertificateRequest.of(Profile.SERVER);
        say("issued " + ca.issue(TestCa.grant(), request).join().serial());
      }
    }
  }

  /** The trust bundle that follows the roots of that home. */
  static RootBundle bundle(Path folder, TestCa.Clock clock) throws IOException {
    return new RootBundle(
        TrustBundleStore.open(folder.resolve("bundle.json"), Duration.ofHours(1)),
        TrustBundleStore.readers(folder.resolve("readers.json"), 1, clock, clock::nanoTime));
  }

  /** In one write, so that no line is cut by the kill. */
  private static void say(String line) {
    System.out.print(line + "\n");
    System.out.flush();
  }
}
