package dev.vouchsafe.trust;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Remembers which version of the trust bundle each known reader was handed: what a new root waits
 * for. It may know less than is true, never more. Safe for use by many threads.
 */
public interface BundleReaders {
  /** The most that are remembered; beyond them, who wasn't heard of for longest is forgotten. */
  int MOST = 4096;

  /**
   * One who is known to read the trust bundle, or was heard of and should.
   *
   * @param name the registration's
   * @param sequence the newest version that was handed to it; 0 if none was, or it isn't known
   * @param fetched when that was, the last time
   * @param heard when it asked for anything, the last time; after a restart, as of the last
   *     snapshot
   */
  record Reader(String name, long sequence, Optional<Instant> fetched, Instant heard) {}

  /** That reader asked for something. Costs no I/O, and a lock once a second at most. */
  void heard(String name);

  /**
   * That version was handed to that reader.
   *
   * @param sequence read before what was handed over, so that it isn't newer than that
   */
  void fetched(String name, long sequence);

  /**
   * What was handed to that reader did not arrive, as it turned out: it counts as having none. May
   * wait for the disk.
   */
  void lost(String name);

  /**
   * Those should read it. If it isn't known who did, since the file of what was known was not there
   * or damaged, each of them that was not heard of yet counts as heard of just now, and as having
   * no version: who waits for readers must not take nobody known for nobody there.
   */
  void expect(Collection<String> names);

  /** All of them, by name. */
  List<Reader> readers();

  /**
   * Those that were heard of within the window and don't have that version, by name: whoever waits
   * for readers waits for these. The clock's jumps don't count, and after a restart everybody who
   * was known counts as heard of just then.
   */
  List<Reader> behind(long sequence, Duration window);

  /** Writes down what changed since it was last, if anything did; to be called now and then. */
  void save() throws IOException;
}
