package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.ownUid;
import static dev.vouchsafe.attestation.Attestations.reason;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Callers of strict registrations: their connection is theirs alone, and no exec can lie before.
 */
class StrictTest {
  private static final boolean ARM = System.getProperty("os.arch").equals("aarch64");
  private static final long SENDMSG = ARM ? 211 : 46;
  private static final long UNSHARE = ARM ? 97 : 272;
  private static final long FCNTL = ARM ? 25 : 72;

  @TempDir Path folder;
  private Attestations at;

  @BeforeEach
  void open() throws Exception {
    assumeTrue(Samples.uid() == 0, "needs root to see all processes");
    at = new Attestations(folder, new Kernel());
  }

  @AfterEach
  void close() {
    if (at != null) {
      at.close();
    }
  }

  private String strictly(Peer peer, String... selectors) throws CallerUnknownException {
    try (Caller caller = at.attestor.accept(peer.socket())) {
      return reason(at.attestor.measure(caller, Samples.strict("m", selectors)));
    }
  }

  private static String shell() throws IOException {
    return "unix:path:" + Path.of("/bin/sh").toRealPath();
  }

  @Test
  void aCallerThatAloneHoldsItsConnectionCloseOnExecIsAttestedAtBothLooks() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      peer.does("closeonexec 1");
      try (Caller caller = at.attestor.accept(peer.socket())) {
        for (int request = 0; request < 3; request++) {
          Verdict verdict = at.attestor.measure(caller, Samples.strict("m", ownUid()));
          assertThat(reason(verdict)).isEqualTo("attested");
          assertThat(reason(at.attestor.confirm(caller, (Verdict.Attested) verdict)))
              .isEqualTo("attested");
        }
      }
    }
  }

  @Test
  void aCallerUnderAnotherUserIsLookedAtAsWell() throws Exception {
    try (Peer peer = Peer.connect(at.listener, Peer.PERL, "setpriv", "--reuid=65534")) {
      peer.does("closeonexec 1");
      assertThat(strictly(peer, "unix:uid:65534")).isEqualTo("attested");
      peer.does("childkeeps");
      assertThat(strictly(peer, "unix:uid:65534")).isEqualTo("refused: socket-shared");
    }
  }

  @Test
  void aConnectionThatWouldOutliveAnExecIsRefused() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      assertThat(strictly(peer, ownUid())).isEqualTo("refused: socket-not-cloexec");
      assertThat(at.verdict(peer, ownUid())).isEqualTo("attested");
    }
  }

  @Test
  void aConnectionThatAChildHoldsAsWellIsRefused() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      peer.does("closeonexec 1");
      peer.does("childkeeps");
      assertThat(strictly(peer, ownUid())).isEqualTo("refused: socket-shared");
    }
  }

  /** The child would read what the trusted program is given; without strict it does. */
  @Test
  void anExecBetweenConnectAndAcceptIsRefusedWhateverBecomesOfTheSocket() throws Exception {
    for (String closeOnExec : new String[] {"0", "1"}) {
      try (Peer peer = Peer.connect(at.listener)) {
        peer.does("closeonexec " + closeOnExec);
        peer.does("childkeeps");
        peer.execsShell();
        assertThat(at.verdict(peer, ownUid(), shell())).as("the limit").isEqualTo("attested");
        assertThat(strictly(peer, ownUid(), shell()))
            .isEqualTo(
                closeOnExec.equals("1") ? "refused: socket-shared" : "refused: socket-not-cloexec");
      }
    }
  }

  @Test
  void anExecBetweenConnectAndAcceptIsRefusedAlsoWhereNobodyElseHoldsTheSocket() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      peer.execsShell();
      assertThat(strictly(peer, ownUid(), shell())).isEqualTo("refused: socket-not-cloexec");
    }
  }

  @Test
  void aConnectionThatIsHandedOnBetweenTheLooksIsRefusedAtTheLast() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      peer.does("closeonexec 1");
      try (Caller caller = at.attestor.accept(peer.socket())) {
        Verdict verdict = at.attestor.measure(caller, Samples.strict("m", ownUid()));
        assertThat(reason(verdict)).isEqualTo("attested");
        peer.does("childkeeps");
        assertThat(reason(at.attestor.confirm(caller, (Verdict.Attested) verdict)))
            .isEqualTo("refused: socket-shared");
      }
    }
  }

  @Test
  void whoIsRuledOutAnywayIsNotLookedForInAllProcesses() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      assertThat(strictly(peer, "unix:uid:12345")).isEqualTo("refused: selector-mismatch");
    }
  }

  /** Our own process as the caller, so that the test can do with its descriptors what it likes. */
  private final class Self implements AutoCloseable {
    final Scratch s = new Scratch();
    final int client = at.listener.connect();
    final int accepted = at.listener.accept();
    final Caller caller;
    private boolean clientOpen = true;

    Self() throws CallerUnknownException {
      caller = at.attestor.accept(accepted);
    }

    String strictly() {
      return reason(at.attestor.measure(caller, Samples.strict("m", ownUid())));
    }

    int call(long number, long a, long b, long c) {
      int result = Libc.call(s, number, a, b, c, 0, 0);
      assertThat(result).as("system call " + number).isGreaterThanOrEqualTo(0);
      return result;
    }

    /** Puts the client's descriptor into the queue of a socket, where no table shows it. */
    void park(int from) {
      MemorySegment m = s.buffer;
      m.asSlice(0, 256).fill((byte) 0);
      m.set(JAVA_LONG, 16, m.address() + 64);
      m.set(JAVA_LONG, 24, 1);
      m.set(JAVA_LONG, 32, m.address() + 96);
      m.set(JAVA_LONG, 40, 24);
      m.set(JAVA_LONG, 64, m.address() + 80);
      m.set(JAVA_LONG, 72, 1);
      m.set(JAVA_LONG, 96, 20);
      m.set(JAVA_INT, 104, 1);
      m.set(JAVA_INT, 108, 1);
      m.set(JAVA_INT, 112, client);
      call(SENDMSG, from, m.address(), 0);
    }

    void closeClient() {
      if (clientOpen) {
        clientOpen = false;
        at.listener.close(client);
      }
    }

    @Override
    public void close() {
      caller.close();
      closeClient();
      at.listener.close(accepted);
    }
  }

  @Test
  void aDescriptorUnderWayInAQueueIsRefused() throws Exception {
    try (Self self = new Self()) {
      assertThat(self.strictly()).isEqualTo("attested");
      assertThat(Libc.socketpair(self.s, self.s.buffer)).isZero();
      int one = self.s.buffer.get(JAVA_INT, 0);
      int other = self.s.buffer.get(JAVA_INT, 4);
      self.park(one);
      assertThat(self.strictly()).isEqualTo("refused: socket-shared");
      at.listener.close(one);
      at.listener.close(other);
      assertThat(self.strictly()).isEqualTo("attested");
    }
  }

  @Test
  void aDescriptorThatWasSentToUsAndWaitsThereIsRefused() throws Exception {
    try (Self self = new Self()) {
      self.park(self.client);
      assertThat(self.strictly()).isEqualTo("refused: socket-shared");
    }
  }

  @Test
  void theTableOfAThreadThatHasOneOfItsOwnIsLookedAtToo() throws Exception {
    try (Self self = new Self()) {
      CompletableFuture<Boolean> ready = new CompletableFuture<>();
      CountDownLatch end = new CountDownLatch(1);
      Thread thread =
          Thread.ofPlatform()
              .start(() -> {
                Scratch own = new Scratch();
                int unshared = Libc.call(own, UNSHARE, 0x400, 0, 0, 0, 0);
                int cleared = Libc.call(own, FCNTL, self.client, 2, 0, 0, 0);
                ready.complete(unshared == 0 && cleared == 0);
                try {
                  end.await();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              });
      try {
        assertThat(ready.get(20, TimeUnit.SECONDS)).isTrue();
        assertThat(self.strictly()).isEqualTo("refused: socket-not-cloexec");
      } finally {
        end.countDown();
        thread.join();
      }
      // To the kernel a thread ends a moment later.
      long start = System.nanoTime();
      while (!self.strictly().equals("attested")) {
        assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(20));
      }
    }
  }

  private static @Nullable Doubt doubt(SocketHolders holders, Self self) {
    return holders.doubt(new Scratch(), (ProcessCaller) self.caller, true);
  }

  @Test
  void whatTakesTooLongOrCantBeSeenIsUnavailable() throws Exception {
    Duration minute = Duration.ofSeconds(60);
    try (Self self = new Self()) {
      assertThat(
              doubt(new SocketHolders(new SocketHolders.Limits(3, minute, 1, minute), true), self))
          .isNotNull()
          .satisfies(d -> assertThat(d.code()).isEqualTo("measurement-timeout"))
          .satisfies(d -> assertThat(d.definite()).isFalse());
      assertThat(
              doubt(
                  new SocketHolders(new SocketHolders.Limits(9999, Duration.ZERO, 1, minute), true),
                  self))
          .isNotNull()
          .satisfies(d -> assertThat(d.code()).isEqualTo("measurement-timeout"));
      assertThat(doubt(new SocketHolders(SocketHolders.Limits.DEFAULT, false), self))
          .isNotNull()
          .satisfies(d -> assertThat(d.detail()).contains("CAP_SYS_PTRACE"))
          .satisfies(d -> assertThat(d.definite()).isFalse());
    }
  }

  @Test
  void strangersWithManyDescriptorsKeepNobodyOut() throws Exception {
    Duration minute = Duration.ofSeconds(60);
    try (Peer peer = Peer.connect(at.listener, Peer.PERL, "setpriv", "--reuid=65534")) {
      peer.does("closeonexec 1");
      try (Caller caller = at.attestor.accept(peer.socket())) {
        // To this caller all processes of root are strangers, and hold more than that.
        for (SocketHolders.Limits limits :
            new SocketHolders.Limits[] {
              new SocketHolders.Limits(100, minute, 1, minute),
              new SocketHolders.Limits(100, minute, 1000, Duration.ZERO)
            }) {
          ProcessCaller process = (ProcessCaller) caller;
          assertThat(new SocketHolders(limits, true).doubt(new Scratch(), process, true)).isNull();
        }
      }
      peer.does("childkeeps");
      assertThat(strictly(peer, "unix:uid:65534")).isEqualTo("refused: socket-shared");
    }
  }

  @Test
  void aCallerInANetworkNamespaceOfItsOwnIsUnavailable() throws Exception {
    try (Peer peer = Peer.connect(at.listener, Peer.PERL, "unshare", "--net")) {
      peer.does("closeonexec 1");
      assertThat(strictly(peer, ownUid())).isEqualTo("unavailable: measurement-denied");
    }
  }

  @Test
  void aConnectionWhoseOtherEndIsClosedIsGone() throws Exception {
    try (Self self = new Self()) {
      self.closeClient();
      assertThat(self.strictly()).isEqualTo("refused: caller-gone");
    }
  }
}
