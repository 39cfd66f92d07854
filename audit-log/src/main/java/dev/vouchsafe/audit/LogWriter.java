package dev.vouchsafe.audit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.interfaces.ECPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Appends to the files of a log. For one thread.
 *
 * <p>Invariant: {@code size} octets of {@code segment} are whole lines on the disk, the last of
 * which {@code end} is about. What a write that failed left behind them is cut off before the next
 * one.
 */
final class LogWriter implements AutoCloseable {
  private final LogFolder folder;
  private final AuditSettings settings;
  private final AuditKeys.Signer signer;
  private final InstantSource clock;

  private @Nullable FileChannel channel;
  private @Nullable Object fileKey;
  private @Nullable Path segment;
  private long size;
  private ChainEnd end;
  private ChainEnd from;

  /** Whether {@code from} is what the newest checkpoint says, for which the key must be known. */
  private boolean fromKnown;

  /** What stood behind {@code size} when the log was opened, and isn't kept yet. */
  private Tail.Rest rest;

  /** What is to be said before all else. */
  private @Nullable Stamped start;

  private @Nullable Instant segmentBegan;
  private boolean keyWritten;
  private @Nullable String newest;

  private LogWriter(
      LogFolder folder,
      AuditSettings settings,
      AuditKeys.Signer signer,
      InstantSource clock,
      Tail tail,
      Stamped start,
      boolean fromKnown) {
    this.folder = folder;
    this.settings = settings;
    this.signer = signer;
    this.clock = clock;
    this.segment = tail.segment().orElse(null);
    this.size = tail.goodOctets();
    this.end = tail.end();
    this.from = tail.checkpoint().map(CheckpointText::from).orElse(ChainEnd.START);
    this.fromKnown = fromKnown;
    this.rest = tail.rest();
    this.start = start;
  }

  /** Opens a log, or begins one; the first thing that is written says so. */
  static LogWriter open(
      AuditSettings settings, AuditKeys.Signer signer, InstantSource clock, String version)
      throws IOException {
    return open(new LogFolder(settings.folder()), settings, signer, clock, version);
  }

  /** The same in that folder. */
  static LogWriter open(
      LogFolder folder,
      AuditSettings settings,
      AuditKeys.Signer signer,
      InstantSource clock,
      String version)
      throws IOException {
    folder.make();
    ECPublicKey key = signer.publicKey().orElse(null);
    Tail tail = Tail.read(folder, key);
    Stamped start =
        new Stamped(
            clock.instant(),
            new AuditEvent.Started(
                version,
                tail.unsigned(),
                tail.rest().octets(),
                tail.rest().entries(),
                tail.note()));
    return new LogWriter(folder, settings, signer, clock, tail, start, key != null);
  }

  /** An event and the time when it was recorded. */
  record Stamped(Instant time, AuditEvent event) {}

  /** What is to be written, rendered. */
  private static final class Batch {
    private final ByteArrayOutputStream octets = new ByteArrayOutputStream(4096);
    private final long first;
    private ChainEnd end;

    Batch(ChainEnd end) {
      this.first = end.next();
      this.end = end;
    }

    void add(Stamped stamped) {
      byte[] line = LineFormat.line(end.next(), stamped.time(), end.hash(), first, stamped.event());
      octets.writeBytes(line);
      end = ChainEnd.after(end.next(), line);
    }
  }

  /**
   * Says that the service started, unless it was said.
   *
   * @throws IOException if it couldn't be written; then it is said as soon as something can be
   */
  void begin() throws IOException {
    Stamped unsaid = start;
    if (unsaid != null) {
      // It has to say how that went.
      FileChannel _ = open();
      Batch batch = new Batch(end);
      batch.add(Objects.requireNonNull(start));
      write(batch);
      start = null;
      removeTrimmed();
    }
  }

  /** Whether it was said that the service started. */
  boolean isBegun() {
    return start == null;
  }

  /**
   * Appends entries; when this returns, they are on the disk.
   *
   * @throws IOException if they couldn't be written; then none of them is in the log
   */
  void append(List<Stamped> events) throws IOException {
    begin();
    if (!events.isEmpty()) {
      Batch batch = new Batch(end);
      events.forEach(batch::add);
      write(batch);
    }
  }

  private void write(Batch batch) throws IOException {
    boolean written = false;
    try {
      FileChannel out = open();
      ByteBuffer octets = ByteBuffer.wrap(batch.octets.toByteArray());
      long at = size;
      while (octets.hasRemaining()) {
        at += out.write(octets, at);
      }
      out.force(false);
      size = at;
      end = batch.end;
      written = true;
    } finally {
      if (!written) {
        abandon();
      }
    }
  }

  private FileChannel open() throws IOException {
    FileChannel known = channel;
    if (known != null) {
      return known;
    }
    FileChannel opened = segment == null ? beginFile() : reopen(segment);
    channel = opened;
    fileKey = key(Objects.requireNonNull(segment));
    return opened;
  }

  private FileChannel reopen(Path file) throws IOException {
    FileChannel opened;
    try {
      if (rest.isKept() && !folder.keepAside(file, size)) {
        start = withoutCopy(start, rest.octets());
      }
      opened = FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      return beginFile();
    }
    rest = Tail.Rest.NONE;
    return readied(
        opened,
        () -> {
          opened.truncate(size);
          // It may have been made by an attempt that failed after that.
          folder.sync();
        });
  }

  /** What is cut off and not kept is on record, at least. */
  private @Nullable Stamped withoutCopy(@Nullable Stamped unsaid, long octets) {
    String note = octets + " octets were cut off without a copy, since the disk is full";
    System.getLogger(LogWriter.class.getName())
        .log(
            System.Logger.Level.WARNING,
            "the end of the audit log''s file {0}: {1}",
            segment,
            note);
    return unsaid != null && unsaid.event() instanceof AuditEvent.Started said
        ? new Stamped(
            unsaid.time(),
            new AuditEvent.Started(
                said.version(), said.unsigned(), said.tornOctets(), said.tornEntries(), note))
        : unsaid;
  }

  private FileChannel beginFile() throws IOException {
    Path file = folder.segment(end.next());
    FileChannel opened;
    try {
      opened = folder.create(file);
    } catch (FileAlreadyExistsException e) {
      // Only one that was begun and has nothing in it is ours to go on with.
      if (Files.size(file) > 0) {
        throw e;
      }
      opened = FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    }
    FileChannel begun = readied(opened, folder::sync);
    segment = file;
    size = 0;
    segmentBegan = clock.instant();
    return begun;
  }

  /** What is left to do before a file can be written. */
  private interface Preparation {
    void run() throws IOException;
  }

  private static FileChannel readied(FileChannel opened, Preparation preparation)
      throws IOException {
    boolean ready = false;
    try {
      preparation.run();
      ready = true;
      return opened;
    } finally {
      if (!ready) {
        opened.close();
      }
    }
  }

  /** Closes the file, so that the next write begins with what is known to be on the disk. */
  private void abandon() {
    FileChannel open = channel;
    channel = null;
    if (open != null) {
      try {
        open.close();
      } catch (IOException e) {
        System.getLogger(LogWriter.class.getName())
            .log(System.Logger.Level.DEBUG, "closing after a failed write", e);
      }
    }
  }

  private static @Nullable Object key(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
  }

  /**
   * Signs all that is written.
   *
   * @throws AuditUnavailableException if the key can't be used now
   */
  String checkpoint() throws IOException, AuditUnavailableException {
    ECPublicKey key = key();
    begin();
    leaveLostFile();
    if (!keyWritten) {
      folder.put(AuditKeys.FILE, AuditKeys.pem(key));
      keyWritten = true;
    }
    Instant now = clock.instant().truncatedTo(ChronoUnit.MILLIS);
    String jws = new CheckpointText(end, from, now).sign(signer, key);
    append(List.of(new Stamped(now, new AuditEvent.Checkpoint(jws))));
    newest = jws;
    return jws;
  }

  /** The audit key, which may become known only while the service runs. */
  private ECPublicKey key() throws IOException, AuditUnavailableException {
    Optional<ECPublicKey> key = signer.publicKey();
    if (key.isEmpty()) {
      throw new AuditUnavailableException("there is no audit key yet");
    }
    if (!fromKnown) {
      from = Tail.checkpoint(folder, key.get()).map(CheckpointText::from).orElse(ChainEnd.START);
      fromKnown = true;
    }
    return key.get();
  }

  /** Whoever removed or replaced the file has lost its lines; later ones go where they are seen. */
  private void leaveLostFile() {
    Path file = segment;
    if (file == null || channel == null) {
      return;
    }
    boolean same = false;
    try {
      same = Objects.equals(key(file), fileKey) && Files.size(file) >= size;
    } catch (IOException e) {
      System.getLogger(LogWriter.class.getName())
          .log(System.Logger.Level.WARNING, "the audit log''s file {0} is gone", file);
    }
    if (!same) {
      abandon();
      segment = null;
    }
  }

  /** Whether the file is to be followed by another one. */
  boolean isFull() {
    Instant began = segmentBegan;
    Duration oldest = settings.longest().dividedBy(16);
    return size >= settings.segmentOctets()
        || (began != null
            && oldest.compareTo(Duration.ofDays(1)) >= 0
            && began.plus(oldest).isBefore(clock.instant()));
  }

  /** Ends the file; the next entry begins another. A checkpoint should stand at its end. */
  void roll() {
    abandon();
    segment = null;
  }

  /**
   * Removes the oldest files, if there are too many: first it is said, signed, then it is done.
   *
   * @param byAge whether the clock may be believed
   */
  void trim(boolean byAge) throws IOException, AuditUnavailableException {
    ECPublicKey _ = key();
    Instant now = byAge ? clock.instant() : Instant.MIN;
    Optional<Trim> wanted = Trim.find(folder, settings, now, from);
    if (wanted.isEmpty()) {
      return;
    }
    Trim trim = wanted.get();
    ChainEnd before = from;
    append(List.of(new Stamped(clock.instant(), trim.event())));
    from = trim.from();
    boolean signed = false;
    try {
      String _ = checkpoint();
      signed = true;
    } finally {
      if (!signed) {
        from = before;
      }
    }
    folder.remove(trim.files());
  }

  /** What was to be removed when the process ended. */
  private void removeTrimmed() throws IOException {
    List<Path> segments = folder.segments();
    for (int i = 0; i + 1 < segments.size(); i++) {
      if (LogFolder.firstOf(segments.get(i + 1)) <= from.next()) {
        folder.remove(List.of(segments.get(i)));
      }
    }
  }

  /** How many entries were removed since the log began. */
  long trimmed() {
    return from.next();
  }

  /** The newest checkpoint that was made here. */
  Optional<String> newest() {
    return Optional.ofNullable(newest);
  }

  @Override
  public void close() {
    abandon();
  }
}
