package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.ownUid;
import static dev.vouchsafe.attestation.Attestations.reason;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** One look at several callers finds of each what a look of its own would. */
@ParameterizedClass
@EnumSource(Kernels.class)
class TogetherTest {
  private final Kernels kernels;
  @TempDir Path folder;
  private Attestations at;
  private Registration registration;

  TogetherTest(Kernels kernels) {
    this.kernels = kernels;
  }

  @BeforeEach
  void open() throws Exception {
    at = new Attestations(folder, kernels.kernel());
    registration = Samples.registration("m", ownUid(), "unix:path:" + Peer.PERL.toRealPath());
  }

  @AfterEach
  void close() {
    at.close();
  }

  private List<String> together(Caller... callers) {
    return at.attestor.measure(List.of(callers), registration).stream()
        .map(Attestations::reason)
        .toList();
  }

  @Test
  void connectionsOfOneProcessAreAttestedTogether() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      peer.send("again");
      int second = peer.acceptAgain();
      try (Caller one = at.attestor.accept(peer.socket());
          Caller two = at.attestor.accept(second)) {
        assertThat(together(one, two, one)).containsOnly("attested").hasSize(3);
      } finally {
        at.listener.close(second);
      }
    }
  }

  @Test
  void nobodyIsAttestedTogetherWithAnotherProcess() throws Exception {
    Path other = at.copyOfPerl("other");
    try (Peer right = Peer.connect(at.listener);
        Peer wrong = Peer.connect(at.listener, other);
        Caller one = at.attestor.accept(right.socket());
        Caller two = at.attestor.accept(wrong.socket())) {
      String refused = "refused: selector-mismatch";
      assertThat(together(one, two)).containsExactly("attested", refused);
      assertThat(together(two, one)).containsExactly(refused, "attested");
      assertThat(together(one, two, one, two))
          .containsExactly("attested", refused, "attested", refused);
    }
  }

  @Test
  void aConnectionFromBeforeAnExecIsRefusedBesideOneFromAfterIt() throws Exception {
    Path script = Files.writeString(folder.resolve("script"), Peer.SCRIPT);
    try (Peer peer = Peer.connect(at.listener);
        Caller before = at.attestor.accept(peer.socket())) {
      peer.execs(Peer.PERL, script.toString(), at.listener.path().toString());
      int second = peer.acceptAgain();
      try (Caller after = at.attestor.accept(second)) {
        assertThat(after.pid()).isEqualTo(before.pid());
        String refused = "refused: caller-changed";
        assertThat(together(after, before)).containsExactly("attested", refused);
        assertThat(together(before, after)).containsExactly(refused, "attested");
      } finally {
        at.listener.close(second);
      }
    }
  }

  @Test
  void connectionsThatWereAttestedTogetherAreRefusedTogetherAfterAnExec() throws Exception {
    Path script = Files.writeString(folder.resolve("script"), Peer.SCRIPT);
    try (Peer peer = Peer.connect(at.listener)) {
      peer.send("again");
      int second = peer.acceptAgain();
      try (Caller one = at.attestor.accept(peer.socket());
          Caller two = at.attestor.accept(second)) {
        assertThat(together(one, two)).containsExactly("attested", "attested");
        assertThat(together(two, one)).containsExactly("attested", "attested");
        peer.execs(Peer.PERL, script.toString(), at.listener.path().toString());
        int third = peer.acceptAgain();
        try (Caller after = at.attestor.accept(third)) {
          String refused = "refused: caller-changed";
          assertThat(together(after, one, two)).containsExactly("attested", refused, refused);
          assertThat(together(two, one, after)).containsExactly(refused, refused, "attested");
        } finally {
          at.listener.close(third);
        }
      } finally {
        at.listener.close(second);
      }
    }
  }

  @Test
  void aProcessThatHasEndedIsGoneBesideOneThatTookItsId() throws Exception {
    try (Peer gone = Peer.connect(at.listener);
        Peer alive = Peer.connect(at.listener);
        Caller dead = at.attestor.accept(gone.socket());
        Caller living = at.attestor.accept(alive.socket())) {
      gone.ends();
      // What is left of the dead one, as if the living one had come to be under its process id.
      ProcessCaller of = (ProcessCaller) dead;
      ProcessCaller model = (ProcessCaller) living;
      ProcessCaller.Descriptors mixed =
          new ProcessCaller.Descriptors(
              of.descriptors().pidfd(), model.descriptors().cgroup(), model.descriptors().maps());
      ProcessCaller reused =
          new ProcessCaller(model.peer(), mixed, model.first(), model.socket(), new ScratchPool());
      assertThat(together(living, reused)).containsExactly("attested", "refused: caller-gone");
    }
  }

  @Test
  void aClosedCallerIsGoneBesideAnOpenOneOfItsProcess() throws Exception {
    try (Peer peer = Peer.connect(at.listener);
        Caller open = at.attestor.accept(peer.socket())) {
      Caller closed = at.attestor.accept(peer.socket());
      closed.close();
      assertThat(together(open, closed)).containsExactly("attested", "refused: caller-gone");
    }
  }

  @Test
  void eachConnectionOfAStrictRegistrationIsLookedAtByItself() throws Exception {
    Registration strict = Samples.strict("m", ownUid());
    try (Peer peer = Peer.connect(at.listener)) {
      peer.does("closeonexec 1");
      peer.send("again");
      int second = peer.acceptAgain();
      try (Caller alone = at.attestor.accept(peer.socket());
          Caller open = at.attestor.accept(second)) {
        assertThat(
                at.attestor.measure(List.of(alone, open, alone), strict).stream()
                    .map(Attestations::reason))
            .containsExactly("attested", "refused: socket-not-cloexec", "attested");
      } finally {
        at.listener.close(second);
      }
    }
  }

  @Test
  void everyoneIsToldWhatItsOwnLookWouldSay() throws Exception {
    try (Peer peer = Peer.connect(at.listener);
        Caller one = at.attestor.accept(peer.socket());
        Caller two = at.attestor.accept(peer.socket())) {
      Registration others = Samples.registration("m", "unix:uid:12345");
      assertThat(at.attestor.measure(List.of(one, two), others))
          .extracting(Attestations::reason)
          .containsOnly("refused: selector-mismatch")
          .hasSize(2);
      Verdict alone = at.attestor.measure(two, registration);
      Verdict beside = at.attestor.measure(List.of(one, two), registration).get(1);
      assertThat(reason(beside)).isEqualTo("attested");
      assertThat(beside).isEqualTo(alone);
    }
  }
}
