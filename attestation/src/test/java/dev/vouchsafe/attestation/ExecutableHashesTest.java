package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.ownUid;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExecutableHashesTest {
  private static final long HOUR_NANOS = Duration.ofHours(1).toNanos();
  private static final Duration PATIENT = Duration.ofSeconds(60);

  @TempDir Path folder;

  /** A kernel whose clock goes ahead, and that counts and delays what is opened for hashing. */
  private static final class Watched extends Kernel {
    final AtomicInteger opened = new AtomicInteger();
    volatile long ahead = HOUR_NANOS;

    /** Where its clock stands still, if not 0. */
    volatile long standing;

    volatile CountDownLatch gate = new CountDownLatch(0);

    @Override
    long now(Scratch s) {
      return standing != 0 ? standing : super.now(s) + ahead;
    }

    @Override
    int open(Scratch s, int pid, String file) {
      if (file.equals("exe")) {
        opened.incrementAndGet();
        try {
          gate.await();
        } catch (InterruptedException e) {
          return -Libc.EINTR;
        }
      }
      return super.open(s, pid, file);
    }
  }

  /**
   * A kernel by which everybody's mounts are the host's, so that what only such a mount shows can
   * be looked at without one on the machine that runs the test.
   */
  private static final class OneMountNamespace extends Kernel {
    @Override
    int readlink(Scratch s, int pid, String link) {
      return super.readlink(s, link.equals("ns/mnt") ? Libc.getpid(s) : pid, link);
    }
  }

  private static String sha256(Path file) throws Exception {
    byte[] sum = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
    return "unix:sha256:" + HexFormat.of().formatHex(sum);
  }

  private Attestations attestations(Kernel kernel, long largest, Duration patience)
      throws Exception {
    return new Attestations(folder, kernel, new ExecutableHashes.Limits(largest, patience));
  }

  @Test
  void theRightHashHoldsAndAnyOtherDoesNot() throws Exception {
    try (Attestations at = attestations(new Kernel(), 1 << 30, PATIENT);
        Peer peer = Peer.connect(at.listener)) {
      String right = sha256(Peer.PERL.toRealPath());
      String wrong = right.substring(0, right.length() - 1) + (right.endsWith("0") ? "1" : "0");
      assertThat(at.verdict(peer, ownUid(), right)).isEqualTo("attested");
      assertThat(at.verdict(peer, ownUid(), wrong)).isEqualTo("refused: selector-mismatch");
      assertThat(at.verdict(peer, "unix:uid:4294967294", right))
          .isEqualTo("refused: selector-mismatch");
    }
  }

  @Test
  void aHashIsComputedOnceWhileTheFileStaysAsItIs() throws Exception {
    Watched kernel = new Watched();
    try (Attestations at = attestations(kernel, 1 << 30, PATIENT);
        Peer peer = Peer.connect(at.listener)) {
      String right = sha256(Peer.PERL.toRealPath());
      for (int i = 0; i < 5; i++) {
        assertThat(at.verdict(peer, ownUid(), right)).isEqualTo("attested");
      }
      assertThat(kernel.opened).hasValue(1);
    }
  }

  @Test
  void aFileThatChangedAMomentAgoIsHashedEveryTime() throws Exception {
    Watched kernel = new Watched();
    try (Attestations at = attestations(kernel, 1 << 30, PATIENT)) {
      Path perl = at.copyOfPerl("perl");
      String right = sha256(perl);
      try (Peer peer = Peer.connect(at.listener, perl)) {
        long settled = Kernel.file(new Scratch(), perl.toString()).changed() + 2_000_000_000L;
        kernel.standing = settled - 1;
        for (int i = 0; i < 3; i++) {
          assertThat(at.verdict(peer, ownUid(), right)).isEqualTo("attested");
        }
        assertThat(kernel.opened).hasValue(3);
        kernel.standing = settled;
        for (int i = 0; i < 3; i++) {
          assertThat(at.verdict(peer, ownUid(), right)).isEqualTo("attested");
        }
        assertThat(kernel.opened).hasValue(4);
      }
    }
  }

  /** Writes the last octet of a file, which no program needs, through a page that was read. */
  private static void changeThroughMapping(Path file) throws IOException {
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
        Arena arena = Arena.ofConfined()) {
      long last = channel.size() - 1;
      MemorySegment mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, channel.size(), arena);
      byte octet = mapped.get(ValueLayout.JAVA_BYTE, last);
      mapped.set(ValueLayout.JAVA_BYTE, last, (byte) (octet + 1));
    }
  }

  @Test
  void aUsersFileOnTmpfsThatChangesWithoutItsTimesIsHashedEveryTime() throws Exception {
    assumeTrue(Samples.uid() == 0, "needs root to give files away");
    Path shared = Path.of("/dev/shm");
    assumeTrue(
        Files.isDirectory(shared) && Files.getFileStore(shared).type().equals("tmpfs"),
        "needs a tmpfs");
    Path own = Files.createTempDirectory(shared, "vouchsafe");
    Path perl = own.resolve("perl");
    Watched kernel = new Watched();
    try (Attestations at = attestations(kernel, 1 << 30, PATIENT)) {
      Files.copy(Peer.PERL.toRealPath(), perl, StandardCopyOption.COPY_ATTRIBUTES);
      Files.setAttribute(perl, "unix:uid", 61_000);
      FileFacts before = Kernel.file(new Scratch(), perl.toString());
      kernel.standing = before.changed() + 2_000_000_000L;
      String trusted = sha256(perl);
      try (Peer peer = Peer.connect(at.listener, perl)) {
        assertThat(at.verdict(peer, ownUid(), trusted)).isEqualTo("attested");
        assertThat(at.verdict(peer, ownUid(), trusted)).isEqualTo("attested");
      }
      assertThat(kernel.opened).hasValue(2);
      changeThroughMapping(perl);
      assertThat(Kernel.file(new Scratch(), perl.toString()))
          .as("the attack works")
          .isEqualTo(before);
      try (Peer peer = Peer.connect(at.listener, perl)) {
        assertThat(at.verdict(peer, ownUid(), trusted)).isEqualTo("refused: selector-mismatch");
      }
    } finally {
      Files.deleteIfExists(perl);
      Files.delete(own);
    }
  }

  @Test
  void aFileOfTheFutureIsHashedEveryTime() throws Exception {
    Watched kernel = new Watched();
    kernel.ahead = -100 * 365 * 24 * HOUR_NANOS / 2;
    try (Attestations at = attestations(kernel, 1 << 30, PATIENT);
        Peer peer = Peer.connect(at.listener)) {
      String right = sha256(Peer.PERL.toRealPath());
      assertThat(at.verdict(peer, ownUid(), right)).isEqualTo("attested");
      assertThat(at.verdict(peer, ownUid(), right)).isEqualTo("attested");
      assertThat(kernel.opened).hasValue(2);
    }
  }

  @Test
  void aStrangerDoesNotMakeUsHashItsExecutable() throws Exception {
    Watched kernel = new Watched();
    try (Attestations at = attestations(kernel, 1 << 30, PATIENT);
        Peer peer = Peer.connect(at.listener)) {
      String right = sha256(Peer.PERL.toRealPath());
      assertThat(at.verdict(peer, right, "unix:uid:" + 55_555)).startsWith("refused");
      assertThat(kernel.opened).hasValue(0);
    }
  }

  @Test
  void aSparseExecutableOfATerabyteIsNotRead() throws Exception {
    Watched kernel = new Watched();
    try (Attestations at =
        attestations(kernel, ExecutableHashes.Limits.DEFAULT.largest(), PATIENT)) {
      Path perl = at.copyOfPerl("perl");
      try (RandomAccessFile file = new RandomAccessFile(perl.toFile(), "rw")) {
        file.setLength(1L << 40);
      }
      try (Peer peer = Peer.connect(at.listener, perl)) {
        assertThat(at.verdict(peer, ownUid(), "unix:sha256:" + "0".repeat(64)))
            .isEqualTo("refused: selector-mismatch");
        assertThat(kernel.opened).hasValue(0);
      }
    }
  }

  @Test
  void aHashThatTakesTooLongIsUnavailableAndThereForALaterTry() throws Exception {
    Watched kernel = new Watched();
    kernel.gate = new CountDownLatch(1);
    String right = sha256(Peer.PERL.toRealPath());
    try (Attestations at = attestations(kernel, 1 << 30, Duration.ofMillis(1));
        Peer peer = Peer.connect(at.listener)) {
      assertThat(at.verdict(peer, ownUid(), right)).isEqualTo("unavailable: measurement-timeout");
      assertThat(at.verdict(peer, ownUid(), right)).isEqualTo("unavailable: measurement-timeout");
      // The second try has joined the first one's work, which may not even have begun.
      assertThat(kernel.opened).hasValueLessThanOrEqualTo(1);
      kernel.gate.countDown();
      String verdict;
      do {
        verdict = at.verdict(peer, ownUid(), right);
      } while (verdict.startsWith("unavailable"));
      assertThat(verdict).isEqualTo("attested");
      assertThat(kernel.opened).hasValue(1);
    }
  }

  @Test
  void oneUsersFilesThatAreNeverReadLeaveRoomForOthers() throws Exception {
    Watched kernel = new Watched();
    kernel.gate = new CountDownLatch(1);
    try (Attestations at = attestations(kernel, 1 << 30, Duration.ofMillis(1))) {
      for (int i = 0; i < 6; i++) {
        try (Peer peer = Peer.connect(at.listener, at.copyOfPerl("perl" + i))) {
          assertThat(at.verdict(peer, ownUid(), "unix:sha256:" + "0".repeat(64)))
              .isEqualTo("unavailable: measurement-timeout");
        }
      }
      assertThat(kernel.opened.get()).isLessThanOrEqualTo(2);
      kernel.gate.countDown();
    }
  }

  @Test
  void anExecutableOnAnotherKindOfFileSystemDoesNotHold() throws Exception {
    assumeTrue(Samples.uid() == 0, "needs root to mount");
    Path mount = Files.createDirectory(folder.resolve("mount"));
    Path perl = mount.resolve("perl");
    String script =
        "mount -t ramfs none "
            + mount
            + " && cp /usr/bin/perl "
            + perl
            + " && shift && exec "
            + perl
            + " \"$@\"";
    try (Attestations at = attestations(new OneMountNamespace(), 1 << 30, PATIENT);
        Peer peer = Peer.connect(at.listener, perl, "unshare", "-m", "sh", "-c", script, "sh")) {
      assertThat(at.verdict(peer, ownUid())).isEqualTo("attested");
      String right = sha256(Peer.PERL.toRealPath());
      assertThat(at.verdict(peer, ownUid(), right)).isEqualTo("refused: selector-mismatch");
      assertThat(at.results(peer, ownUid(), right).getLast().measured())
          .contains("a file system of type 0x858458f6");
    }
  }

  @Test
  void anOverlayOfItsOwnShowsWhatItLikesAndDoesNotHold() throws Exception {
    assumeTrue(Samples.uid() == 0, "needs root to mount");
    for (String name : new String[] {"lower", "upper", "work", "mount"}) {
      Files.createDirectory(folder.resolve(name));
    }
    try (Attestations at = attestations(new OneMountNamespace(), 1 << 30, PATIENT)) {
      at.copyOfPerl("lower/perl");
      String options = "lowerdir=lower,upperdir=upper,workdir=work";
      String script =
          "cd "
              + folder
              + " && mount -t overlay none -o "
              + options
              + " mount && shift && exec mount/perl \"$@\"";
      try (Peer peer =
          Peer.connect(at.listener, Peer.PERL, "unshare", "-m", "sh", "-c", script, "sh")) {
        String right = sha256(Peer.PERL.toRealPath());
        assertThat(at.verdict(peer, ownUid(), right)).isEqualTo("refused: selector-mismatch");
        assertThat(at.results(peer, ownUid(), right).getLast().measured())
            .contains("an overlay of its own");
      }
    }
  }
}
