package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.RevocationOrder.Target;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A process that revokes certificates, modules, tokens and device CAs, and allows every other
 * module again. It says each as soon as it is acknowledged, and of what it lifts also that it
 * begins to.
 */
final class RevokerProcess {
  private final TestCa ca;
  private final String start;

  private RevokerProcess(TestCa ca, String start) {
    this.ca = ca;
    this.start = start;
  }

  /** Arguments: the folder, and a word that no process before this one had. */
  public static void main(String[] arguments) throws Exception {
    try (TestCa ca = TestCa.reopened(TestCa.settings(Path.of(arguments[0])))) {
      RevokerProcess process = new RevokerProcess(ca, arguments[1]);
      for (int round = 0; round >= 0; round++) {
        process.revoke(round);
      }
    }
  }

  private static void say(String what) {
    System.out.println(what);
  }

  static Grant grant(String module) {
    return new Grant(
        module,
        "1",
        Set.of(Profile.IDENTITY),
        List.of(),
        List.of(),
        Optional.of("spiffe://gw.example/" + module),
        Optional.empty(),
        List.of("hub"),
        Optional.empty());
  }

  private void revoke(int round) throws Exception {
    Revocations revocations = ca.ca().revocations();
    String module = start + "-" + round;
    CertificateRequest request = CertificateRequest.of(Profile.IDENTITY);
    String serial = ca.issue(grant(module), request).serial();
    String other = ca.issue(grant(module), request).serial();
    String token = ca.token(grant(module), TokensTest.request("hub")).id();
    var _ = revocations.revoke(Revoking.serials(serial));
    say("serial " + serial);
    var _ = revocations.revoke(Revoking.module(module, "1"));
    say("serial " + other);
    say("module " + module);
    if (round % 2 == 0) {
      say("allowing " + module);
      var _ = revocations.allow(module, Optional.empty());
      say("allowed " + module);
    }
    var _ = revocations.revokeTokens(List.of(token), Revoking.ADMINISTRATOR);
    say("token " + token);
    if (round % 3 == 1) {
      rotate(revocations);
    }
  }

  private void rotate(Revocations revocations) throws Exception {
    if (ca.ca().authorities().stream().noneMatch(RevokerProcess::isPrepared)) {
      var _ = ca.ca().changes().prepare(Role.DEVICE, Optional.empty());
    }
    String old = ca.active(Role.DEVICE).id();
    String next =
        ca.ca().authorities().stream()
            .filter(RevokerProcess::isPrepared)
            .findAny()
            .orElseThrow()
            .id();
    var _ = ca.ca().changes().activate(next);
    var _ =
        revocations.revoke(
            Revoking.order(new Target.Authority(old, false), RevocationReason.CA_COMPROMISE));
    say("authority " + old);
  }

  private static boolean isPrepared(AuthorityInfo authority) {
    return authority.role() == Role.DEVICE && authority.state() == AuthorityInfo.State.PREPARED;
  }
}
