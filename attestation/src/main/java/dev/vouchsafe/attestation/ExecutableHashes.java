package dev.vouchsafe.attestation;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * SHA-256 of executables and scripts, computed on threads of their own and remembered while the
 * file is as it was.
 *
 * <p>A file system's clock is coarse: a file that changed less than two seconds ago may change
 * again and show the same times, so its hash is neither remembered nor shared. Nor is that of a
 * file of a user's own where times don't tell ({@link FileSystems#timesTell}). A file system that
 * is mounted anew is another one: somebody may have made its image again, with numbers and times of
 * his choice. A hash that takes too long goes on and is there for the next try.
 */
final class ExecutableHashes implements AutoCloseable {
  private static final long SETTLED_NANOS = 2_000_000_000L;
  private static final int REMEMBERED = 1024;
  private static final int THREADS = 4;
  private static final int WAITING = 64;

  /** So that one user's slow file system can't take all threads. */
  private static final int AT_ONCE_PER_USER = 2;

  /**
   * How much is taken on.
   *
   * @param largest of a file, in octets
   * @param patience how long a measurement waits
   */
  record Limits(long largest, Duration patience) {
    static final Limits DEFAULT = new Limits(512L * 1024 * 1024, Duration.ofSeconds(2));
  }

  /** A file's content, as far as the kernel tells two of them apart. */
  private record Content(
      long mount, long device, long inode, long size, long modified, long changed) {
    static Content of(FileFacts file) {
      return new Content(
          file.mount(), file.device(), file.inode(), file.size(), file.modified(), file.changed());
    }
  }

  /** Opens a file for reading, on the thread that hashes. */
  interface Opener {
    /** A descriptor, or a negative errno. */
    int open(Scratch s);
  }

  /**
   * Either a hash or why there is none.
   *
   * @param lasting whether it holds for as long as the file shows the same times
   */
  private record Result(String hex, @Nullable Doubt doubt, boolean lasting) {
    static Result none(Doubt why) {
      return new Result("", why, false);
    }
  }

  /** A hash under way. */
  private record Running(CompletableFuture<Result> result, boolean begunByOther) {}

  private final Kernel kernel;
  private final ScratchPool pool;
  private final Limits limits;
  private final Map<Content, CompletableFuture<Result>> running = new ConcurrentHashMap<>();
  private final Map<Long, Integer> perUser = new ConcurrentHashMap<>();
  private final ThreadPoolExecutor threads =
      new ThreadPoolExecutor(
          THREADS,
          THREADS,
          10,
          TimeUnit.SECONDS,
          new ArrayBlockingQueue<>(WAITING),
          Thread.ofPlatform().daemon().name("vouchsafe-hash-", 0).factory());

  private volatile @Nullable Cache<Content, String> cache;

  ExecutableHashes(Kernel kernel, ScratchPool pool, Limits limits) {
    this.kernel = kernel;
    this.pool = pool;
    this.limits = limits;
    threads.allowCoreThreadTimeOut(true);
  }

  /**
   * Compares the executable of a caller with a hash.
   *
   * @param executable as a look has just shown it
   */
  Finding check(Scratch s, ProcessCaller caller, FileFacts executable, String wanted) {
    int pid = caller.pid();
    return check(s, caller.uid(), executable, own -> kernel.open(own, pid, "exe"), wanted);
  }

  /**
   * Compares a file with a hash.
   *
   * @param uid whose process makes us work
   * @param executable the file, as a look has just shown it
   * @param opener opens that file, or another one, which is found out
   */
  Finding check(Scratch s, long uid, FileFacts executable, Opener opener, String wanted) {
    String hex = known().getIfPresent(Content.of(executable));
    if (hex != null) {
      return Finding.of(hex.equals(wanted), hex);
    }
    if (executable.size() > limits.largest) {
      return Finding.undecidable(
          "not hashed: "
              + executable.size()
              + " octets, and "
              + limits.largest
              + " are the most that is");
    }
    Running begun = start(s, uid, executable, opener);
    Result result = await(begun.result);
    if (begun.begunByOther && result.doubt == null && !result.lasting) {
      // It may have been of what stood there before.
      result = await(submit(uid, executable, opener, new CompletableFuture<>()));
    }
    return result.doubt == null
        ? Finding.of(result.hex.equals(wanted), result.hex)
        : Finding.of(result.doubt);
  }

  /** Made at first use, since many gateways have no hash in any registration. */
  private Cache<Content, String> known() {
    Cache<Content, String> made = cache;
    if (made == null) {
      synchronized (running) {
        made = cache;
        if (made == null) {
          made = Caffeine.newBuilder().maximumSize(REMEMBERED).executor(Runnable::run).build();
          cache = made;
        }
      }
    }
    return made;
  }

  private boolean settled(Scratch s, FileFacts file) {
    return kernel.now(s) - file.changed() >= SETTLED_NANOS;
  }

  private Running start(Scratch s, long uid, FileFacts executable, Opener opener) {
    Content content = Content.of(executable);
    if (!settled(s, executable)) {
      return new Running(submit(uid, executable, opener, new CompletableFuture<>()), false);
    }
    CompletableFuture<Result> mine = new CompletableFuture<>();
    CompletableFuture<Result> first = running.putIfAbsent(content, mine);
    if (first != null) {
      return new Running(first, true);
    }
    var _ = mine.whenComplete((result, error) -> running.remove(content, mine));
    return new Running(submit(uid, executable, opener, mine), false);
  }

  private CompletableFuture<Result> submit(
      long uid, FileFacts executable, Opener opener, CompletableFuture<Result> result) {
    if (perUser.merge(uid, 1, Integer::sum) > AT_ONCE_PER_USER) {
      leave(uid);
      result.complete(busy("other executables of this user are being hashed"));
      return result;
    }
    try {
      threads.execute(() -> {
        Scratch own = pool.take();
        // What stands if something goes wrong that nobody thought of.
        Result made = busy("hashing failed");
        try {
          made = hash(own, opener, executable);
        } finally {
          pool.give(own);
          // First the place, so that whoever sees the result finds it free.
          leave(uid);
          result.complete(made);
        }
      });
    } catch (RejectedExecutionException e) {
      leave(uid);
      result.complete(busy("too many executables are waiting to be hashed"));
    }
    return result;
  }

  private void leave(long uid) {
    perUser.computeIfPresent(uid, (u, n) -> n == 1 ? null : n - 1);
  }

  private static Result busy(String why) {
    return Result.none(Doubt.unavailable("measurement-timeout", why));
  }

  private Result await(CompletableFuture<Result> result) {
    try {
      return result.get(limits.patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      return busy("hashing takes longer than " + limits.patience.toMillis() + " ms; ask again");
    } catch (ExecutionException e) {
      return busy("hashing failed");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return busy("interrupted");
    }
  }

  /** Hashes the file, if that is still the one that was looked at. */
  private Result hash(Scratch s, Opener opener, FileFacts expected) {
    int file = opener.open(s);
    if (file < 0) {
      return Result.none(
          Doubt.unavailable("measurement-denied", "it can't be opened: " + Libc.name(-file)));
    }
    try {
      FileFacts before = FileFacts.of(s, file);
      if (!Content.of(before).equals(Content.of(expected))) {
        return Result.none(Doubt.unavailable("measurement-timeout", "it changes; ask again"));
      }
      Doubt doubt = FileSystems.doubt(s, file, before);
      if (doubt != null) {
        return Result.none(doubt);
      }
      boolean lasting = settled(s, before) && FileSystems.timesTell(s, file, before);
      String hex = digest(s, file, before.size());
      if (!Content.of(FileFacts.of(s, file)).equals(Content.of(before))) {
        return Result.none(Doubt.unavailable("measurement-timeout", "it changes; ask again"));
      }
      if (lasting) {
        known().put(Content.of(before), hex);
      }
      return new Result(hex, null, lasting);
    } catch (SystemCallException e) {
      return Result.none(Doubt.unavailable("measurement-denied", e.getMessage()));
    } finally {
      Libc.close(s, file);
    }
  }

  private static String digest(Scratch s, int file, long size) throws SystemCallException {
    MessageDigest sha256;
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
    byte[] block = new byte[Scratch.BUFFER_BYTES];
    long at = 0;
    while (at < size) {
      int length = Libc.pread(s, file, s.buffer, Scratch.BUFFER_BYTES, at);
      if (length < 0) {
        throw new SystemCallException("read", -length);
      }
      if (length == 0) {
        break;
      }
      // The JDK hashes an array in one go; a buffer outside the heap it would copy in small pieces.
      MemorySegment.copy(s.buffer, ValueLayout.JAVA_BYTE, 0, block, 0, length);
      sha256.update(block, 0, length);
      at += length;
    }
    return HexFormat.of().formatHex(sha256.digest());
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
