package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.ownUid;
import static dev.vouchsafe.attestation.Attestations.reason;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Callers that connected by TCP over loopback: the process that holds the connection is meant. */
class LoopbackTest {
  @TempDir Path folder;
  private Attestations at;
  private final List<AutoCloseable> open = new ArrayList<>();

  @BeforeEach
  void open() throws Exception {
    assumeTrue(Samples.uid() == 0, "needs root to see all processes");
    at = new Attestations(folder, new Kernel());
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
    if (at != null) {
      at.close();
    }
  }

  private TcpListener listen(String address) throws Exception {
    TcpListener listener = new TcpListener(address);
    open.add(listener);
    return listener;
  }

  private Caller accept(TcpListener listener, int socket) throws CallerUnknownException {
    return at.attestor.accept(socket, listener.own(socket), listener.other(socket));
  }

  private String verdict(TcpListener listener, Peer peer, String... selectors)
      throws CallerUnknownException {
    try (Caller caller = accept(listener, peer.socket())) {
      return reason(at.attestor.measure(caller, Samples.registration("m", selectors)));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "::1"})
  void theProcessThatConnectedIsMeasuredAsOnASocketOfUnix(String address) throws Exception {
    TcpListener listener = listen(address);
    try (Peer peer = Peer.connect(listener)) {
      String perl = "unix:path:" + Peer.PERL.toRealPath();
      try (Caller caller = accept(listener, peer.socket())) {
        assertThat(caller.pid()).isEqualTo((int) peer.pid());
        assertThat(caller.uid()).isZero();
        Verdict verdict = at.attestor.measure(caller, Samples.registration("m", ownUid(), perl));
        assertThat(reason(verdict)).isEqualTo("attested");
        assertThat(reason(at.attestor.confirm(caller, (Verdict.Attested) verdict)))
            .isEqualTo("attested");
        assertThat(reason(at.attestor.measure(caller, Samples.registration("m", "unix:uid:65534"))))
            .isEqualTo("refused: selector-mismatch");
      }
    }
  }

  @Test
  void aCallerUnderAnotherUserIsFoundAmongThatUsersProcesses() throws Exception {
    TcpListener listener = listen("127.0.0.1");
    try (Peer peer = Peer.connect(listener, Peer.PERL, "setpriv", "--reuid=65534")) {
      int socket = peer.socket();
      assertThat(at.attestor.owner(listener.own(socket), listener.other(socket))).isEqualTo(65534);
      assertThat(verdict(listener, peer, "unix:uid:65534")).isEqualTo("attested");
      assertThat(verdict(listener, peer, "unix:uid:0")).isEqualTo("refused: selector-mismatch");
    }
  }

  /** A connection may be held by several; whose words came over it nobody can say then. */
  @Test
  void aConnectionThatTwoProcessesHoldIsNobodys() throws Exception {
    TcpListener listener = listen("127.0.0.1");
    try (Peer peer = Peer.connect(listener)) {
      peer.does("childkeeps");
      assertThatThrownBy(() -> accept(listener, peer.socket()))
          .isInstanceOf(CallerUnknownException.class)
          .hasMessageContaining("hold the connection together");
    }
  }

  @Test
  void aConnectionThatIsHandedOnBetweenTheLooksIsRefusedAtTheLast() throws Exception {
    TcpListener listener = listen("127.0.0.1");
    try (Peer peer = Peer.connect(listener);
        Caller caller = accept(listener, peer.socket())) {
      Verdict verdict = at.attestor.measure(caller, Samples.registration("m", ownUid()));
      assertThat(reason(verdict)).isEqualTo("attested");
      peer.does("childkeeps");
      assertThat(reason(at.attestor.confirm(caller, (Verdict.Attested) verdict)))
          .isEqualTo("refused: socket-shared");
      assertThat(at.attestor.measure(List.of(caller, caller), Samples.registration("m", ownUid())))
          .extracting(Attestations::reason)
          .containsExactly("refused: socket-shared", "refused: socket-shared");
    }
  }

  @Test
  void whoChangedItsUserSinceItMadeTheConnectionIsNotTheOneThatMadeIt() throws Exception {
    TcpListener listener = listen("127.0.0.1");
    try (Peer peer = Peer.connect(listener)) {
      peer.does("setuid 65534");
      assertThatThrownBy(() -> accept(listener, peer.socket()))
          .isInstanceOf(CallerUnknownException.class);
    }
  }

  @Test
  void anExecSinceAcceptIsRefused() throws Exception {
    TcpListener listener = listen("127.0.0.1");
    try (Peer peer = Peer.connect(listener);
        Caller caller = accept(listener, peer.socket())) {
      peer.execsShell();
      assertThat(reason(at.attestor.measure(caller, Samples.registration("m", ownUid()))))
          .isEqualTo("refused: caller-changed");
    }
  }

  @Test
  void whoHasGoneIsNotFound() throws Exception {
    TcpListener listener = listen("127.0.0.1");
    try (Peer peer = Peer.connect(listener)) {
      InetSocketAddress own = listener.own(peer.socket());
      InetSocketAddress other = listener.other(peer.socket());
      peer.ends();
      assertThatThrownBy(() -> at.attestor.accept(peer.socket(), own, other))
          .isInstanceOf(CallerUnknownException.class);
      assertThatThrownBy(() -> at.attestor.owner(own, other))
          .isInstanceOf(CallerUnknownException.class)
          .hasMessageContaining("no process");
    }
  }

  @Test
  void anotherConnectionOfTheSameProcessIsNotMistakenForIt() throws Exception {
    TcpListener listener = listen("127.0.0.1");
    try (Peer peer = Peer.connect(listener);
        Peer other = Peer.connect(listener)) {
      try (Caller first = accept(listener, peer.socket());
          Caller second = accept(listener, other.socket())) {
        assertThat(first.pid()).isEqualTo((int) peer.pid());
        assertThat(second.pid()).isEqualTo((int) other.pid());
      }
    }
  }

  /** Strict asks of such a connection what it asks of any. */
  @Test
  void aStrictRegistrationWantsItCloseOnExec() throws Exception {
    TcpListener listener = listen("127.0.0.1");
    try (Peer peer = Peer.connect(listener);
        Caller caller = accept(listener, peer.socket())) {
      assertThat(reason(at.attestor.measure(caller, Samples.strict("m", ownUid()))))
          .isEqualTo("refused: socket-not-cloexec");
      peer.does("closeonexec 1");
      assertThat(reason(at.attestor.measure(caller, Samples.strict("m", ownUid()))))
          .isEqualTo("attested");
    }
  }

  /** The forwarder is what is seen, not who is behind it. */
  @Test
  void aProxyMakesOthersLookLikeItself() throws Exception {
    TcpListener listener = listen("127.0.0.1");
    Process forwarder =
        new ProcessBuilder(
                "setpriv",
                "--reuid=65534",
                Peer.PERL.toString(),
                "-MIO::Socket::INET",
                "-e",
                "$|=1; my $l = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1:0') or die;"
                    + " print $l->sockport, qq(\\n); my $in = $l->accept;"
                    + " my $out = IO::Socket::INET->new('127.0.0.1:' . $ARGV[0]) or die;"
                    + " print qq(forwards\\n); <STDIN>;",
                listener.address().substring(2))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    open.add(() -> {
      forwarder.destroyForcibly();
      forwarder.waitFor(20, TimeUnit.SECONDS);
    });
    int port = Integer.parseInt(forwarder.inputReader().readLine());
    try (Socket _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
      int socket = listener.accept();
      open.add(() -> listener.close(socket));
      try (Caller caller = accept(listener, socket)) {
        assertThat(caller.uid()).isEqualTo(65534);
        assertThat(reason(at.attestor.measure(caller, Samples.registration("m", "unix:uid:65534"))))
            .isEqualTo("attested");
      }
    }
  }
}
