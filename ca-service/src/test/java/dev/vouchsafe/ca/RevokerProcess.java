package dev.vouchsafe.ca;

import java.nio.file.Path;

/** A process that issues and revokes, and says each serial once that is acknowledged. */
final class RevokerProcess {
  private RevokerProcess() {}

  public static void main(String[] arguments) throws Exception {
    try (TestCa ca = TestCa.reopened(TestCa.settings(Path.of(arguments[0])))) {
      while (true) {
        String serial = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.IDENTITY)).serial();
        ca.ca().revocations().revoke(Revoking.serials(serial));
        System.out.println(serial);
      }
    }
  }
}
