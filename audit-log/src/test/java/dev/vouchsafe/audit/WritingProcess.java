package dev.vouchsafe.audit;

import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.interfaces.ECPublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HexFormat;

/** A process that records without end and says of each entry that it is on the disk. */
final class WritingProcess {
  private WritingProcess() {}

  /** Folder of the log, the audit key's two halves in hex, number of the first module. */
  public static void main(String[] args) throws Exception {
    KeyFactory keys = KeyFactory.getInstance("EC");
    TestKey key =
        new TestKey(
            new KeyPair(
                (ECPublicKey) keys.generatePublic(new X509EncodedKeySpec(octets(args[1]))),
                keys.generatePrivate(new PKCS8EncodedKeySpec(octets(args[2])))));
    AuditSettings settings =
        new AuditSettings(Path.of(args[0]), 20_000, 200_000, Duration.ofDays(400));
    try (AuditLog log = AuditLogs.open(settings, key, InstantSource.system(), () -> true, "1.0")) {
      for (int i = Integer.parseInt(args[3]); System.in.available() == 0; i++) {
        int number = i;
        log.record(TestLog.decision("m" + i, AuditEvent.Outcome.ISSUED))
            .thenRun(() -> System.out.println(number))
            .join();
        if (i % 16 == 0) {
          String _ = log.checkpoint();
        }
      }
    }
  }

  private static byte[] octets(String hex) {
    return HexFormat.of().parseHex(hex);
  }
}
