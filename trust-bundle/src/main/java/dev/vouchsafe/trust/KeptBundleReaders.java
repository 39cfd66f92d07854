package dev.vouchsafe.trust;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * The readers in memory and in their file.
 *
 * <p>Invariant: the file never says of a reader that it has a version that was not handed to it,
 * for longer than it takes to find out: what lowers a reader's version takes such a file away.
 */
final class KeptBundleReaders implements BundleReaders {
  private static final System.Logger LOG = System.getLogger(KeptBundleReaders.class.getName());

  /** Nothing is written down anew for a reader that was heard of a moment ago. */
  private static final long MOMENT_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final DurableFile file;
  private final InstantSource clock;
  private final LongSupplier nanos;
  private final Map<String, Entry> entries = new ConcurrentHashMap<>();
  private final AtomicBoolean changed = new AtomicBoolean();
  private final Lock saving = new ReentrantLock();

  /** Whether it began with nobody, though somebody may have been known. */
  private volatile boolean forgetful;

  /** What is known of one reader; its fields but the first are guarded by it. */
  private static final class Entry {
    private volatile long heardNanos;
    private Instant heard;
    private long sequence;
    private long saved;
    private Optional<Instant> fetched = Optional.empty();

    Entry(long heardNanos, Instant heard) {
      this.heardNanos = heardNanos;
      this.heard = heard;
    }

    synchronized BundleReaders.Reader reader(String name) {
      return new BundleReaders.Reader(name, sequence, fetched, heard);
    }
  }

  private KeptBundleReaders(DurableFile file, InstantSource clock, LongSupplier nanos) {
    this.file = file;
    this.clock = clock;
    this.nanos = nanos;
  }

  static KeptBundleReaders open(
      DurableFile file, long current, InstantSource clock, LongSupplier nanos) throws IOException {
    KeptBundleReaders readers = new KeptBundleReaders(file, clock, nanos);
    file.sweep();
    byte[] text;
    try {
      text = file.read(ReadersDocument.LARGEST);
    } catch (NoSuchFileException none) {
      // The first start; or what made it untrue took it away, and then the process was killed.
      readers.forgetful = true;
      return readers;
    }
    try {
      readers.load(ReadersDocument.parse(text), current);
    } catch (IOException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "which version the bundle''s readers have is not known: {0}",
          e.getMessage());
      readers.forgetful = true;
      file.delete();
    }
    return readers;
  }

  private void load(List<BundleReaders.Reader> known, long current) throws IOException {
    if (known.stream().anyMatch(reader -> reader.sequence() > current)) {
      throw new IOException("the bundle is older than what some are said to have");
    }
    long now = nanos.getAsLong();
    for (BundleReaders.Reader reader : known) {
      Entry entry = new Entry(now, reader.heard());
      synchronized (entry) {
        entry.sequence = reader.sequence();
        entry.saved = reader.sequence();
        entry.fetched = reader.fetched();
      }
      entries.put(reader.name(), entry);
    }
  }

  @Override
  public void heard(String name) {
    long now = nanos.getAsLong();
    Entry entry = entries.get(name);
    if (entry != null && now - entry.heardNanos < MOMENT_NANOS) {
      return;
    }
    Entry known = entry == null ? begin(name, now) : entry;
    Instant time = clock.instant();
    synchronized (known) {
      known.heardNanos = now;
      known.heard = time;
    }
  }

  private Entry begin(String name, long now) {
    Entry entry = entries.computeIfAbsent(name, first -> new Entry(now, clock.instant()));
    changed.set(true);
    if (entries.size() > MOST) {
      forgetOne(now);
    }
    return entry;
  }

  private synchronized void forgetOne(long now) {
    if (entries.size() > MOST) {
      entries.entrySet().stream()
          .max(Comparator.comparingLong(each -> now - each.getValue().heardNanos))
          .ifPresent(oldest -> entries.remove(oldest.getKey(), oldest.getValue()));
    }
  }

  @Override
  public void fetched(String name, long sequence) {
    heard(name);
    Entry entry = entries.get(name);
    if (entry == null) {
      return;
    }
    Instant time = clock.instant();
    synchronized (entry) {
      if (sequence < entry.sequence) {
        return;
      }
      if (sequence > entry.sequence) {
        entry.sequence = sequence;
        changed.set(true);
      }
      entry.fetched = Optional.of(time);
    }
  }

  @Override
  public void lost(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      return;
    }
    saving.lock();
    try {
      boolean written;
      synchronized (entry) {
        written = entry.saved > 0;
        entry.sequence = 0;
        entry.saved = 0;
        entry.fetched = Optional.empty();
      }
      changed.set(true);
      if (written) {
        file.delete();
      }
    } catch (IOException e) {
      LOG.log(
          System.Logger.Level.WARNING, "the file of the bundle''s readers is out of date: {0}", e);
    } finally {
      saving.unlock();
    }
  }

  @Override
  public void expect(Collection<String> names) {
    if (forgetful) {
      long now = nanos.getAsLong();
      names.stream()
          .filter(name -> !entries.containsKey(name))
          .limit(Math.max(0, MOST - entries.size()))
          .toList()
          .forEach(name -> begin(name, now));
    }
  }

  @Override
  public List<BundleReaders.Reader> readers() {
    return entries.entrySet().stream()
        .map(each -> each.getValue().reader(each.getKey()))
        .sorted(Comparator.comparing(BundleReaders.Reader::name))
        .toList();
  }

  @Override
  public List<BundleReaders.Reader> behind(long sequence, Duration window) {
    long now = nanos.getAsLong();
    return entries.entrySet().stream()
        .filter(each -> Duration.ofNanos(now - each.getValue().heardNanos).compareTo(window) <= 0)
        .map(each -> each.getValue().reader(each.getKey()))
        .filter(reader -> reader.sequence() < sequence)
        .sorted(Comparator.comparing(BundleReaders.Reader::name))
        .toList();
  }

  @Override
  public void save() throws IOException {
    saving.lock();
    try {
      // Before they are read: what comes meanwhile is for the next time.
      if (!changed.getAndSet(false)) {
        return;
      }
      boolean saved = false;
      try {
        List<BundleReaders.Reader> known = readers();
        // Before it is there: what is taken back meanwhile waits, and then takes it away.
        known.forEach(this::noteSaved);
        file.replace(ReadersDocument.encoded(known));
        saved = true;
      } finally {
        if (!saved) {
          changed.set(true);
        }
      }
    } finally {
      saving.unlock();
    }
  }

  private void noteSaved(BundleReaders.Reader reader) {
    Entry entry = entries.get(reader.name());
    if (entry != null) {
      synchronized (entry) {
        entry.saved = reader.sequence();
      }
    }
  }
}
