package dev.vouchsafe.ca;

import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.PrivateKeyStores;
import dev.vouchsafe.keys.SealSource;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A process that issues tokens from two threads and prints their ids until it is killed. */
final class TokenPrinter {
  private TokenPrinter() {}

  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    TestCa.Clock clock = new TestCa.Clock();
    try (PrivateKeyStore store =
            PrivateKeyStores.openSoftware(
                folder.resolve("keys"),
                new SealSource.GeneratedFile(folder.resolve("seal.key")),
                TestCa.CRYPTO);
        CertificateAuthority ca =
            CertificateAuthorities.open(
                TestCa.settings(folder),
                AuthorityStores.single(store),
                TestCa.CRYPTO,
                clock,
                Runnable::run)) {
      Thread other = Thread.ofPlatform().daemon().start(() -> print(ca, "a"));
      print(ca, "b");
      other.join();
    }
  }

  private static void print(CertificateAuthority ca, String module) {
    try {
      for (int i = 0; true; i++) {
        Grant grant =
            new Grant(
                module + i % 50,
                "1",
                Set.of(),
                List.of(),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                List.of("hub"),
                Optional.empty());
        // In one write, so that no line is cut by the kill and none is mixed with another.
        String line = TestCa.token(ca.tokens(), grant, TokensTest.request("hub")).id() + "\n";
        System.out.print(line);
        System.out.flush();
      }
    } catch (IssuanceException e) {
      throw new IllegalStateException(e);
    }
  }
}
