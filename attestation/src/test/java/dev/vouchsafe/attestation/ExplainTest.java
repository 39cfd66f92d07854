package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.ownUid;
import static dev.vouchsafe.attestation.Attestations.reason;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Why a process is, or isn't, a module. */
@ParameterizedClass
@EnumSource(Kernels.class)
class ExplainTest {
  private final Kernels kernels;
  @TempDir Path folder;
  private Attestations at;

  ExplainTest(Kernels kernels) {
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

  private Explanation explain(Peer peer, String... selectors) throws CallerUnknownException {
    return at.attestor.explain((int) peer.pid(), Samples.registration("m", selectors));
  }

  @Test
  void aProcessThatMatchesWouldBeAttestedAsFarAsAProcessShows() throws Exception {
    String path = "unix:path:" + Peer.PERL.toRealPath();
    try (Peer peer = Peer.connect(at.listener)) {
      Explanation explanation = explain(peer, ownUid(), path);
      assertThat(reason(explanation.verdict())).isEqualTo("attested");
      assertThat(explanation.verdict().results())
          .extracting(SelectorResult::wanted)
          .containsExactly(ownUid(), path);
      assertThat(explanation.rules())
          .extracting(SelectorResult::outcome)
          .containsExactly(
              SelectorResult.Outcome.HOLDS,
              SelectorResult.Outcome.HOLDS,
              SelectorResult.Outcome.HOLDS,
              SelectorResult.Outcome.UNAVAILABLE,
              SelectorResult.Outcome.UNAVAILABLE);
      assertThat(explanation.rules())
          .extracting(SelectorResult::measured)
          .anyMatch(m -> m.contains("takes a connection"));
    }
  }

  @Test
  void everySelectorIsMeasuredWhateverTheOthersSay() throws Exception {
    byte[] perl = Files.readAllBytes(Peer.PERL.toRealPath());
    String sha256 =
        "unix:sha256:"
            + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(perl));
    try (Peer peer = Peer.connect(at.listener)) {
      Explanation explanation = explain(peer, "unix:uid:12345", "unix:path:/bin/sh", sha256);
      assertThat(reason(explanation.verdict())).isEqualTo("refused: selector-mismatch");
      assertThat(explanation.verdict().results())
          .extracting(SelectorResult::outcome)
          .containsExactly(
              SelectorResult.Outcome.DOES_NOT_HOLD,
              SelectorResult.Outcome.DOES_NOT_HOLD,
              SelectorResult.Outcome.HOLDS);
    }
  }

  @Test
  void theRulesForEveryCallerAreShownAndCountForTheVerdict() throws Exception {
    assumeTrue(Samples.uid() == 0, "needs root");
    try (Peer peer = Peer.connect(at.listener)) {
      peer.does("seteuid 65534");
      assertThat(reason(explain(peer, "unix:uid:65534").verdict()))
          .isEqualTo("refused: caller-changed");
    }
    try (Peer peer = Peer.connect(at.listener)) {
      peer.does("chroot " + folder);
      Explanation explanation = explain(peer, ownUid());
      assertThat(reason(explanation.verdict())).isEqualTo("refused: foreign-root");
      assertThat(explanation.verdict().results())
          .extracting(SelectorResult::outcome)
          .containsExactly(SelectorResult.Outcome.HOLDS);
      assertThat(explanation.rules().get(1).outcome())
          .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    }
  }

  @Test
  void whatAStrictRegistrationDemandsIsSaidNotToHaveBeenLookedAt() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      Explanation explanation =
          at.attestor.explain((int) peer.pid(), Samples.strict("m", ownUid()));
      assertThat(reason(explanation.verdict())).isEqualTo("attested");
      assertThat(explanation.rules().getLast().wanted()).startsWith("strict");
      assertThat(explanation.rules().getLast().outcome())
          .isEqualTo(SelectorResult.Outcome.UNAVAILABLE);
    }
  }

  @Test
  void aProcessThatIsNotThereIsNoModuleAndNoRefusal() throws Exception {
    Peer peer = Peer.connect(at.listener);
    peer.ends();
    peer.close();
    assertThatThrownBy(() -> explain(peer, ownUid()))
        .isInstanceOf(CallerUnknownException.class)
        .hasMessageContaining("no process");
    for (int pid : new int[] {0, -1}) {
      assertThatThrownBy(() -> at.attestor.explain(pid, Samples.registration("m", ownUid())))
          .isInstanceOf(CallerUnknownException.class);
    }
  }
}
