package dev.vouchsafe.ca;

import java.nio.file.Path;
import java.util.Optional;

/** A process that moves the device CA from store to store, and issues, until it is killed. */
final class AuthorityMover {
  private AuthorityMover() {}

  public static void main(String[] arguments) throws Exception {
    CaSettings settings = TestCa.settings(Path.of(arguments[0]));
    TestCa.Clock clock = new TestCa.Clock();
    try (InsecureStores stores = TestCa.stores(settings);
        CertificateAuthority ca =
            CertificateAuthorities.open(settings, stores, TestCa.CRYPTO, clock, Runnable::run)) {
      for (int i = 0; true; i++) {
        String prepared = "";
        for (AuthorityInfo authority : ca.authorities()) {
          if (authority.state() == AuthorityInfo.State.PREPARED) {
            prepared = authority.id();
          }
        }
        if (prepared.isEmpty()) {
          String store = i % 2 == 0 ? "pkcs11" : "software";
          prepared = ca.changes().prepare(AuthorityInfo.Role.DEVICE, Optional.of(store)).id();
        }
        say("prepared " + prepared);
        ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).join();
        say("activated " + ca.changes().activate(prepared).id());
        ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).join();
      }
    }
  }

  /** In one write, so that no line is cut by the kill. */
  private static void say(String line) {
    System.out.print(line + "\n");
    System.out.flush();
  }
}
