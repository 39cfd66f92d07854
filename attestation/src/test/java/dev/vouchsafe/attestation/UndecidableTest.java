package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.ownUid;
import static dev.vouchsafe.attestation.Attestations.reason;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An executable on a file system that can show two readers two contents. */
class UndecidableTest {
  @TempDir Path folder;

  private static int run(String... command) throws Exception {
    return new ProcessBuilder(command).start().waitFor();
  }

  @Test
  void whoRunsFromAFileSystemThatIsNotListedIsNotLetInByWhatHeMayNotRun() throws Exception {
    assumeTrue(Samples.uid() == 0, "only root mounts");
    Path mounted = Files.createDirectory(folder.resolve("mounted"));
    assumeTrue(
        run("mount", "-t", "ramfs", "none", mounted.toString()) == 0, "nothing can be mounted");
    try (Attestations at = new Attestations(folder, new Kernel())) {
      Files.setPosixFilePermissions(mounted, PosixFilePermissions.fromString("rwxr-xr-x"));
      Path perl = at.copyOfPerl("mounted/perl");
      try (Peer peer = Peer.connect(at.listener, perl);
          Peer ordinary = Peer.connect(at.listener);
          Caller stranger = at.attestor.accept(peer.socket());
          Caller known = at.attestor.accept(ordinary.socket())) {
        for (String excluded :
            List.of("unix:path:/bin/true", "unix:path:" + perl, "unix:sha256:" + "0".repeat(64))) {
          Registration registration =
              Samples.registration(List.of(ownUid()), List.of(), List.of(excluded));
          assertThat(reason(at.attestor.measure(stranger, registration)))
              .as(excluded)
              .isEqualTo("refused: selector-mismatch");
          assertThat(reason(at.attestor.measure(known, registration)))
              .as(excluded)
              .isEqualTo("attested");
        }
        Registration wanted = Samples.registration("m", ownUid(), "unix:path:" + perl);
        assertThat(reason(at.attestor.measure(stranger, wanted)))
            .isEqualTo("refused: selector-mismatch");
        Explanation explanation =
            at.attestor.explain(
                (int) peer.pid(),
                Samples.registration(List.of(ownUid()), List.of(), List.of("unix:path:/bin/true")));
        SelectorResult result = explanation.verdict().results().getLast();
        assertThat(result.outcome()).isEqualTo(SelectorResult.Outcome.UNAVAILABLE);
        assertThat(result.measured()).contains("can't be told of this caller", "file system");
      }
    } finally {
      run("umount", mounted.toString());
    }
  }
}
