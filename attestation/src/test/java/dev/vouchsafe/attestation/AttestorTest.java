package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.ownUid;
import static dev.vouchsafe.attestation.Attestations.reason;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Callers, honest and not, through all three looks, on this kernel and as on older ones. */
@ParameterizedClass
@EnumSource(Kernels.class)
class AttestorTest {
  private final Kernels kernels;
  @TempDir Path folder;
  private Attestations at;

  AttestorTest(Kernels kernels) {
    this.kernels = kernels;
  }

  @BeforeEach
  void open() throws Exception {
    at = new Attestations(folder, kernels.kernel());
  }

  @AfterEach
  void close() {
    at.close();
  }

  private static void assumeRoot() {
    assumeTrue(Samples.uid() == 0, "needs root to be another user");
  }

  private static String perlPath() throws Exception {
    return "unix:path:" + Peer.PERL.toRealPath();
  }

  @Test
  void aCallerThatIsWhatItsRegistrationSaysIsAttestedAtAllThreeLooks() throws Exception {
    Registration registration = Samples.registration("m", ownUid(), perlPath());
    try (Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      assertThat(caller.pid()).isEqualTo(peer.pid());
      assertThat(caller.uid()).isEqualTo(Samples.uid());
      for (int request = 0; request < 3; request++) {
        Verdict verdict = at.attestor.measure(caller, registration);
        assertThat(reason(verdict)).isEqualTo("attested");
        assertThat(reason(at.attestor.confirm(caller, (Verdict.Attested) verdict)))
            .isEqualTo("attested");
        assertThat(verdict.results())
            .extracting(SelectorResult::outcome)
            .containsOnly(SelectorResult.Outcome.HOLDS);
      }
    }
  }

  @Test
  void anotherUserIsRefusedEvenWithTheSameBinary() throws Exception {
    assumeRoot();
    try (Peer peer =
        Peer.connect(
            at.listener,
            Peer.PERL,
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups")) {
      assertThat(at.verdict(peer, "unix:uid:0", perlPath()))
          .isEqualTo("refused: selector-mismatch");
      assertThat(at.verdict(peer, "unix:uid:65534", perlPath())).isEqualTo("attested");
      assertThat(at.verdict(peer, "unix:user:nobody", "unix:gid:65534")).isEqualTo("attested");
      assertThat(at.verdict(peer, "unix:user:root")).isEqualTo("refused: selector-mismatch");
    }
  }

  @Test
  void aChangeOfUserAfterConnectIsRefused() throws Exception {
    assumeRoot();
    try (Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      peer.does("seteuid 65534");
      assertThat(reason(at.attestor.measure(caller, Samples.registration("m", "unix:uid:0"))))
          .isEqualTo("refused: caller-changed");
      // Nor does it help to be accepted only afterwards: who connected was somebody else.
      assertThat(at.verdict(peer, "unix:uid:65534")).isEqualTo("refused: caller-changed");
      assertThat(at.verdict(peer, "unix:uid:0")).isEqualTo("refused: caller-changed");
    }
  }

  @Test
  void anExecOfAnotherProgramBetweenTheLooksIsRefusedAtConfirm() throws Exception {
    try (Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      Verdict verdict = at.attestor.measure(caller, Samples.registration("m", ownUid()));
      assertThat(reason(verdict)).isEqualTo("attested");
      peer.execsShell();
      assertThat(reason(at.attestor.confirm(caller, (Verdict.Attested) verdict)))
          .isEqualTo("refused: caller-changed");
      assertThat(reason(at.attestor.measure(caller, Samples.registration("m", ownUid()))))
          .isEqualTo("refused: caller-changed");
    }
  }

  @Test
  void anExecOfTheSameExecutableBetweenTheLooksIsRefusedToo() throws Exception {
    try (Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      Verdict verdict = at.attestor.measure(caller, Samples.registration("m", ownUid()));
      peer.execs(Peer.PERL, "-e", "$|=1;print+qq(running\\n);<STDIN>");
      peer.expect("running");
      assertThat(reason(at.attestor.confirm(caller, (Verdict.Attested) verdict)))
          .isEqualTo("refused: caller-changed");
    }
  }

  @Test
  void aCallerThatEndedIsGoneAtTheNextLook() throws Exception {
    try (Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      Verdict verdict = at.attestor.measure(caller, Samples.registration("m", ownUid()));
      peer.ends();
      assertThat(reason(at.attestor.confirm(caller, (Verdict.Attested) verdict)))
          .isEqualTo("refused: caller-gone");
      assertThat(reason(at.attestor.measure(caller, Samples.registration("m", ownUid()))))
          .isEqualTo("refused: caller-gone");
    }
  }

  @Test
  void aCallerThatEndedBeforeItWasAcceptedIsUnknown() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      peer.ends();
      assertThatThrownBy(() -> at.attestor.accept(peer.socket()))
          .isInstanceOf(CallerUnknownException.class);
    }
  }

  @Test
  void aCopiedBinaryIsNotTheRegisteredOne() throws Exception {
    try (Peer peer = Peer.connect(at.listener, at.copyOfPerl("perl"))) {
      assertThat(at.verdict(peer, ownUid(), perlPath())).isEqualTo("refused: selector-mismatch");
    }
  }

  @Test
  void aHardLinkOrASymbolicLinkIsTheSameFile() throws Exception {
    Path perl = at.copyOfPerl("perl");
    Path hard = Files.createLink(folder.resolve("hard"), perl);
    Path soft = Files.createSymbolicLink(folder.resolve("soft"), perl);
    try (Peer peer = Peer.connect(at.listener, hard)) {
      assertThat(at.verdict(peer, ownUid(), "unix:path:" + perl)).isEqualTo("attested");
      assertThat(at.verdict(peer, ownUid(), "unix:path:" + soft)).isEqualTo("attested");
    }
  }

  @Test
  void aReplacedExecutableIsNamedAsSuch() throws Exception {
    Path perl = at.copyOfPerl("perl");
    String path = "unix:path:" + perl;
    try (Peer peer = Peer.connect(at.listener, perl);
        Caller caller = at.attestor.accept(peer.socket())) {
      Verdict verdict = at.attestor.measure(caller, Samples.registration("m", ownUid(), path));
      assertThat(reason(verdict)).isEqualTo("attested");
      Files.move(at.copyOfPerl("new"), perl, StandardCopyOption.ATOMIC_MOVE);
      assertThat(at.verdict(peer, ownUid(), path)).isEqualTo("refused: executable-replaced");
      Files.delete(perl);
      assertThat(at.verdict(peer, ownUid(), path)).isEqualTo("refused: executable-replaced");
      assertThat(at.verdict(peer, ownUid(), "unix:path:/nowhere"))
          .isEqualTo("refused: selector-mismatch");
    }
  }

  @Test
  void aFileMountedOverTheRegisteredOneInANamespaceOfItsOwnIsNotIt() throws Exception {
    assumeRoot();
    String perl = Peer.PERL.toRealPath().toString();
    String mount = "mount --bind " + at.copyOfPerl("evil") + " " + perl + " && exec \"$@\"";
    try (Peer peer =
        Peer.connect(
            at.listener, Peer.PERL.toRealPath(), "unshare", "-m", "sh", "-c", mount, "sh")) {
      assertThat(Files.readSymbolicLink(Path.of("/proc/" + peer.pid() + "/exe"))).hasToString(perl);
      assertThat(at.verdict(peer, "unix:uid:0", "unix:path:" + perl))
          .isEqualTo("refused: executable-replaced");
    }
  }

  @Test
  void groupsAreThoseAtConnect() throws Exception {
    assumeRoot();
    try (Peer peer =
        Peer.connect(at.listener, Peer.PERL, "setpriv", "--regid=1", "--groups=4,1234")) {
      assertThat(at.verdict(peer, "unix:uid:0", "unix:gid:1", "unix:supplementary-group:1234"))
          .isEqualTo("attested");
      assertThat(at.verdict(peer, "unix:uid:0", "unix:group:daemon")).isEqualTo("attested");
      assertThat(at.verdict(peer, "unix:uid:0", "unix:supplementary-group:adm"))
          .isEqualTo("attested");
      assertThat(at.verdict(peer, "unix:uid:0", "unix:gid:4"))
          .isEqualTo("refused: selector-mismatch");
      assertThat(at.verdict(peer, "unix:uid:0", "unix:supplementary-group:5"))
          .isEqualTo("refused: selector-mismatch");
    }
  }

  @Test
  void anAccountThatDoesNotExistIsNobody() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      assertThat(at.verdict(peer, "unix:user:no-such-user"))
          .isEqualTo("refused: selector-mismatch");
      assertThat(at.results(peer, "unix:user:no-such-user", "unix:group:no-such-group"))
          .extracting(SelectorResult::measured)
          .hasSize(2)
          .allMatch(m -> m.startsWith("no such "));
    }
  }

  @Test
  void aProcessInAPidNamespaceOfItsOwnIsNoProcessOfTheHost() throws Exception {
    assumeRoot();
    try (Peer peer = Peer.connect(at.listener, Peer.PERL, "unshare", "--pid", "--fork")) {
      assertThat(at.verdict(peer, "unix:uid:0", perlPath()))
          .isEqualTo("refused: foreign-namespace");
    }
  }

  @Test
  void aProcessInAUserNamespaceOfItsOwnIsNoProcessOfTheHost() throws Exception {
    assumeRoot();
    try (Peer peer = Peer.connect(at.listener, Peer.PERL, "unshare", "--user", "--map-root-user")) {
      assertThat(at.verdict(peer, "unix:uid:0", perlPath()))
          .isEqualTo("refused: foreign-namespace");
    }
  }

  @Test
  void nothingIsReadThroughACallerThatIsClosed() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      Caller caller = at.attestor.accept(peer.socket());
      Registration registration = Samples.registration("m", ownUid());
      Verdict verdict = at.attestor.measure(caller, registration);
      caller.close();
      caller.close();
      assertThat(reason(at.attestor.measure(caller, registration)))
          .isEqualTo("refused: caller-gone");
      assertThat(reason(at.attestor.confirm(caller, (Verdict.Attested) verdict)))
          .isEqualTo("refused: caller-gone");
    }
  }

  @Test
  void tenThousandCallersLeaveNoDescriptorBehind() throws Exception {
    Registration registration = Samples.registration("m", ownUid(), perlPath());
    try (Peer peer = Peer.connect(at.listener);
        Peer dead = Peer.connect(at.listener)) {
      dead.ends();
      at.verdict(peer, ownUid(), perlPath());
      int before = descriptors();
      for (int i = 0; i < 10_000; i++) {
        try (Caller caller = at.attestor.accept(peer.socket())) {
          if (i % 10 == 0) {
            at.attestor.measure(caller, registration);
            assertThatThrownBy(() -> at.attestor.accept(dead.socket()))
                .isInstanceOf(CallerUnknownException.class);
          }
        }
      }
      assertThat(descriptors()).isLessThanOrEqualTo(before + 5);
    }
  }

  private static int descriptors() {
    String[] open = Path.of("/proc/self/fd").toFile().list();
    return open == null ? 0 : open.length;
  }

  @Test
  void aProgramThatLiesInMemoryIsNoRegisteredFile() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      peer.send("memory");
      peer.expect("running");
      assertThat(Files.readSymbolicLink(Path.of("/proc/" + peer.pid() + "/exe")).toString())
          .startsWith("/memfd:");
      assertThat(at.verdict(peer, ownUid(), perlPath())).isEqualTo("refused: selector-mismatch");
    }
  }

  /** What Linux can't show: the threat model says so, and no registration may rest on more. */
  @Test
  void anExecBetweenConnectAndAcceptIsNotSeen() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      peer.execsShell();
      String shell = "unix:path:" + Path.of("/bin/sh").toRealPath();
      assertThat(at.verdict(peer, ownUid(), shell)).isEqualTo("attested");
    }
  }

  @Test
  void aPathThatTheCallerChoseCantForgeALogLine() throws Exception {
    try (Peer peer = Peer.connect(at.listener, at.copyOfPerl("x\nforged"))) {
      assertThat(at.results(peer, ownUid(), perlPath()).getLast().measured())
          .contains("x\\u000aforged")
          .doesNotContain("\n");
    }
  }
}
