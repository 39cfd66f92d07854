package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.ownUid;
import static dev.vouchsafe.attestation.Attestations.reason;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Callers in cgroups, which say what container they are in. */
class HostProcessesTest {
  private static final String SCOPE = "docker-" + "ab".repeat(32) + ".scope";

  @TempDir Path folder;
  private Attestations at;

  @BeforeEach
  void open() throws Exception {
    at = new Attestations(folder, new Kernel());
  }

  @AfterEach
  void close() {
    at.close();
  }

  /** A cgroup that is gone again after the test. */
  private static final class Cgroup implements AutoCloseable {
    private final Path outer;
    private final Path inner;

    Cgroup(String name) throws IOException {
      Path root =
          List.of(Path.of("/sys/fs/cgroup/unified"), Path.of("/sys/fs/cgroup")).stream()
              .filter(p -> Files.isWritable(p.resolve("cgroup.procs")))
              .findFirst()
              .orElse(Path.of("/nowhere"));
      assumeTrue(Samples.uid() == 0 && Files.exists(root), "needs root and a cgroup tree");
      outer = Files.createDirectory(root.resolve("vouchsafe-test-" + UUID.randomUUID()));
      inner = Files.createDirectory(outer.resolve(name));
    }

    void take(Peer peer) throws IOException {
      Files.writeString(inner.resolve("cgroup.procs"), Long.toString(peer.pid()));
    }

    @Override
    public void close() throws IOException {
      Files.delete(inner);
      Files.delete(outer);
    }
  }

  @Test
  void aProcessInAContainersCgroupIsNoProcessOfTheHost() throws Exception {
    try (Cgroup cgroup = new Cgroup(SCOPE)) {
      try (Peer peer = Peer.connect(at.listener)) {
        assertThat(at.verdict(peer, ownUid())).isEqualTo("attested");
        cgroup.take(peer);
        assertThat(at.verdict(peer, ownUid())).isEqualTo("refused: foreign-container");
      }
    }
  }

  @Test
  void aProcessThatChangesItsCgroupBetweenTheLooksIsRefused() throws Exception {
    try (Cgroup cgroup = new Cgroup("a.service")) {
      try (Peer peer = Peer.connect(at.listener);
          Caller caller = at.attestor.accept(peer.socket())) {
        Registration registration = Samples.registration("m", ownUid());
        Verdict verdict = at.attestor.measure(caller, registration);
        assertThat(reason(verdict)).isEqualTo("attested");
        cgroup.take(peer);
        assertThat(reason(at.attestor.confirm(caller, (Verdict.Attested) verdict)))
            .isEqualTo("refused: caller-changed");
        // Another service of the host is as good as the first, for who connects from there.
        assertThat(at.verdict(peer, ownUid())).isEqualTo("attested");
      }
    }
  }

  @Test
  void inAContainerTheProcessesOfTheSameOneAreTheHosts() throws Exception {
    Kernel kernel = new Kernel();
    Scratch s = new Scratch();
    byte[] ours = ("0::/system.slice/" + SCOPE + "/a").getBytes(StandardCharsets.US_ASCII);
    HostProcesses host = HostProcesses.ofOurs(kernel, s, Libc.getpid(s), ours);
    try (Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      ProcessCaller outside = (ProcessCaller) caller;
      assertThat(host.doubt(s, outside, false))
          .isNotNull()
          .satisfies(d -> assertThat(d.code()).isEqualTo("foreign-container"));
      ProcessCaller.State first = outside.first();
      byte[] theirs = ("0::/system.slice/" + SCOPE + "/b").getBytes(StandardCharsets.US_ASCII);
      ProcessCaller inside =
          new ProcessCaller(
              outside.peer(),
              new ProcessCaller.Descriptors(-1, -1, -1),
              new ProcessCaller.State(
                  first.credentials(),
                  first.executable(),
                  MemorySegment.ofArray(theirs),
                  first.image()),
              null,
              new ScratchPool());
      assertThat(host.doubt(s, inside, false)).isNull();
    }
  }

  @Test
  void aProcessInAMountNamespaceOfItsOwnIsNoProcessOfTheHostUnlessItsUnitIsNamed()
      throws Exception {
    assumeTrue(Samples.uid() == 0, "needs root");
    try (Peer peer = Peer.connect(at.listener, Peer.PERL, "unshare", "--mount");
        Caller caller = at.attestor.accept(peer.socket())) {
      assertThat(at.verdict(peer, ownUid())).isEqualTo("refused: foreign-namespace");
      assertThat(unitDoubt((ProcessCaller) caller)).isNull();
    }
  }

  @Test
  void aProcessWithAnotherRootIsNoProcessOfTheHostUnlessItsUnitIsNamed() throws Exception {
    assumeTrue(Samples.uid() == 0, "needs root");
    try (Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      peer.does("chroot " + folder);
      assertThat(at.verdict(peer, ownUid())).isEqualTo("refused: foreign-root");
      assertThat(unitDoubt((ProcessCaller) caller)).isNull();
    }
  }

  @Test
  void aUnitIsNoWayOutOfOurPidAndUserNamespace() throws Exception {
    assumeTrue(Samples.uid() == 0, "needs root");
    for (String[] launcher :
        List.of(
            new String[] {"unshare", "--pid", "--fork"},
            new String[] {"unshare", "--user", "--map-root-user"})) {
      try (Peer peer = Peer.connect(at.listener, Peer.PERL, launcher);
          Caller caller = at.attestor.accept(peer.socket())) {
        assertThat(unitDoubt((ProcessCaller) caller))
            .isNotNull()
            .satisfies(d -> assertThat(d.code()).isEqualTo("foreign-namespace"));
      }
    }
  }

  private static @Nullable Doubt unitDoubt(ProcessCaller caller) {
    Kernel kernel = new Kernel();
    Scratch s = new Scratch();
    int self = Libc.getpid(s);
    byte[] cgroup = Objects.requireNonNull(Looks.readAll(kernel, s, self, "cgroup"));
    return HostProcesses.ofOurs(kernel, s, self, cgroup).doubt(s, caller, true);
  }

  @Test
  void aCallerThatIsClosedWhileItIsLookedAtKeepsItsDescriptorsUntilTheLookEnds() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      ProcessCaller caller = (ProcessCaller) at.attestor.accept(peer.socket());
      Path pidfd = Path.of("/proc/self/fd/" + caller.descriptors().pidfd());
      assertThat(caller.enter()).isTrue();
      caller.close();
      assertThat(caller.enter()).isFalse();
      assertThat(Files.readSymbolicLink(pidfd).toString()).contains("pidfd");
      caller.leave();
      assertThat(
              Files.exists(pidfd, LinkOption.NOFOLLOW_LINKS)
                  && Files.readSymbolicLink(pidfd).toString().contains("pidfd"))
          .isFalse();
    }
  }
}
