package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file system that really is full, which takes root to mount: elsewhere the test is skipped. */
@Tag("fault")
class RealFullDiskTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);

  @TempDir Path folder;
  private Path disk;

  @BeforeEach
  void mount() throws Exception {
    disk = Files.createDirectory(folder.resolve("disk"));
    assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk.toString()) == 0,
        "mounting takes root");
  }

  @AfterEach
  void unmount() throws Exception {
    run("umount", disk.toString());
  }

  private static int run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    process.getInputStream().readAllBytes();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  @Test
  void aFullDiskStopsIssuingWithoutASignatureAndSpaceLetsItGoOn() throws Exception {
    try (TestCa ca = TestCa.in(disk)) {
      IssuedCertificate before = ca.issue(TestCa.grant(), REQUEST);
      Path ballast = disk.resolve("ballast");
      FileStore store = Files.getFileStore(disk);
      Files.write(ballast, new byte[(int) store.getUsableSpace()]);

      int signatures = ca.store.signatures();
      int refused = 0;
      for (int i = 0; i < 100; i++) {
        try {
          ca.issue(TestCa.grant(), REQUEST);
          signatures++;
        } catch (IssuanceException e) {
          assertThat(e.reason()).isEqualTo(IssuanceException.Reason.LEDGER_UNAVAILABLE);
          refused++;
        }
      }
      assertThat(refused).isPositive();
      assertThat(ca.store.signatures()).isEqualTo(signatures);

      Files.delete(ballast);
      IssuedCertificate after = ca.issue(TestCa.grant(), REQUEST);
      ca.reopen();
      for (String serial : List.of(before.serial(), after.serial())) {
        assertThat(ca.ca().certificate(serial).orElseThrow().state())
            .isEqualTo(LedgerEntry.State.ISSUED);
      }
      LedgerQuery all = new LedgerQuery(Optional.empty(), 1000, Optional.empty());
      assertThat(ca.ca().certificates(all).items()).hasSize(102 - refused);
    }
  }
}
