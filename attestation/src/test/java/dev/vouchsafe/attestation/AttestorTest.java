package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The way of one caller through all three looks, on the kernel that runs the test. */
class AttestorTest {
  @TempDir Path folder;
  private Listener listener;
  private Attestor attestor;
  private String uid;

  @BeforeEach
  void open() {
    listener = new Listener(folder.resolve("s"));
    attestor = Attestors.open();
    uid = "unix:uid:" + Samples.uid();
  }

  @AfterEach
  void close() {
    attestor.close();
    listener.close();
  }

  private static String reason(Verdict verdict) {
    return switch (verdict) {
      case Verdict.Attested _ -> "attested";
      case Verdict.Refused refused -> refused.reason();
      case Verdict.Unavailable unavailable -> unavailable.reason();
    };
  }

  @Test
  void aCallerThatIsWhatItsRegistrationSaysIsAttestedAtAllThreeLooks() throws Exception {
    Registration registration =
        Samples.registration("m", uid, "unix:path:" + Peer.PERL.toRealPath());
    try (Peer peer = Peer.connect(listener);
        Caller caller = attestor.accept(peer.socket())) {
      assertThat(caller.pid()).isEqualTo(peer.pid());
      assertThat(caller.uid()).isEqualTo(Samples.uid());
      Verdict verdict = attestor.measure(caller, registration);
      assertThat(reason(verdict)).isEqualTo("attested");
      assertThat(reason(attestor.confirm(caller, (Verdict.Attested) verdict)))
          .isEqualTo("attested");
      assertThat(verdict.results())
          .extracting(SelectorResult::outcome)
          .containsOnly(SelectorResult.Outcome.HOLDS);
    }
  }

  @Test
  void anExecOfAnotherProgramBetweenTheLooksIsRefusedAtConfirm() throws Exception {
    try (Peer peer = Peer.connect(listener);
        Caller caller = attestor.accept(peer.socket())) {
      Verdict verdict = attestor.measure(caller, Samples.registration("m", uid));
      assertThat(reason(verdict)).isEqualTo("attested");
      peer.execsShell();
      assertThat(reason(attestor.confirm(caller, (Verdict.Attested) verdict)))
          .isEqualTo("caller-changed");
    }
  }

  @Test
  void aCopiedBinaryIsNotTheRegisteredOne() throws Exception {
    Path copy = Files.copy(Peer.PERL.toRealPath(), folder.resolve("perl"));
    assertThat(copy.toFile().setExecutable(true)).isTrue();
    Registration registration =
        Samples.registration("m", uid, "unix:path:" + Peer.PERL.toRealPath());
    try (Peer peer = Peer.connect(listener, copy);
        Caller caller = attestor.accept(peer.socket())) {
      assertThat(reason(attestor.measure(caller, registration))).isEqualTo("selector-mismatch");
    }
  }
}
