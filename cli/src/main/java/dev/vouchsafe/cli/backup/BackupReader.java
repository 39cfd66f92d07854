package dev.vouchsafe.cli.backup;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * Reads a backup that anybody may have written. What it holds is what its manifest names, no more
 * and no less; every file is held against its size and hash as it is taken out. Whether the
 * manifest is genuine is for its user to prove, by {@link #signed} and {@link #signature}.
 */
public final class BackupReader implements AutoCloseable {
  private static final int LONGEST_SIGNATURE = 64;
  private static final int BUFFER = 64 * 1024;

  private final ZipFile zip;
  private final byte[] signed;
  private final byte[] signature;
  private final BackupManifest manifest;

  private BackupReader(ZipFile zip) throws IOException {
    this.zip = zip;
    signed = small(BackupNames.MANIFEST, BackupManifest.LARGEST);
    signature = small(BackupNames.SIGNATURE, LONGEST_SIGNATURE);
    manifest = BackupManifest.parse(signed);
    requireTheSameNames();
  }

  /**
   * Opens a backup.
   *
   * @throws BackupException if it is none, or not a whole one
   */
  public static BackupReader open(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new BackupException(file + " is not there, or no file");
    }
    ZipFile zip;
    try {
      zip = new ZipFile(file.toFile());
    } catch (ZipException | EOFException e) {
      throw new BackupException(file + " is no backup, or cut off", e);
    }
    boolean opened = false;
    try {
      BackupReader reader = new BackupReader(zip);
      opened = true;
      return reader;
    } catch (ZipException | EOFException | IllegalArgumentException e) {
      // The latter for names that are no UTF-8.
      throw new BackupException(file + " is damaged: " + e.getMessage(), e);
    } finally {
      if (!opened) {
        zip.close();
      }
    }
  }

  private byte[] small(String name, int most) throws IOException {
    try (InputStream in = stream(name)) {
      byte[] octets = in.readNBytes(most + 1);
      if (octets.length > most) {
        throw new BackupException("the backup's " + name + " is too large");
      }
      return octets;
    }
  }

  private InputStream stream(String name) throws IOException {
    ZipEntry entry = zip.getEntry(name);
    InputStream in = entry == null ? null : zip.getInputStream(entry);
    if (in == null) {
      throw new BackupException("the backup has no " + name);
    }
    return in;
  }

  private void requireTheSameNames() throws BackupException {
    Set<String> wanted = new HashSet<>(Set.of(BackupNames.MANIFEST, BackupNames.SIGNATURE));
    manifest.files().forEach(file -> wanted.add(file.name()));
    Enumeration<? extends ZipEntry> entries = zip.entries();
    while (entries.hasMoreElements()) {
      if (!wanted.remove(entries.nextElement().getName())) {
        throw new BackupException("the backup holds a file that its manifest does not name");
      }
    }
    if (!wanted.isEmpty()) {
      throw new BackupException("the backup lacks a file that its manifest names");
    }
  }

  /** What it says of itself; nobody has proved it yet. */
  public BackupManifest manifest() {
    return manifest;
  }

  /** The octets of the manifest. */
  public byte[] signed() {
    return signed.clone();
  }

  /** What is to be a signature over them. */
  public byte[] signature() {
    return signature.clone();
  }

  /**
   * Takes a file out, into a new one that only its owner can read. It is not synced.
   *
   * @throws BackupException if it has another size or hash than the manifest says; what was written
   *     is the caller's to remove
   */
  public void extract(BackupManifest.Entry file, Path target) throws IOException {
    MessageDigest digest = BackupWriter.sha256();
    try (InputStream in = stream(file.name());
        FileChannel channel =
            FileChannel.open(
                target,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(
                    PosixFilePermissions.fromString("rw-------")));
        OutputStream out = Channels.newOutputStream(channel)) {
      byte[] buffer = new byte[BUFFER];
      long left = file.octets();
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        left -= read;
        if (left < 0) {
          throw damaged(file, null);
        }
        digest.update(buffer, 0, read);
        out.write(buffer, 0, read);
      }
    } catch (ZipException | EOFException e) {
      throw damaged(file, e);
    }
    if (!HexFormat.of().formatHex(digest.digest()).equals(file.sha256())) {
      throw damaged(file, null);
    }
  }

  private static BackupException damaged(BackupManifest.Entry file, @Nullable Throwable cause) {
    String message = "the backup is damaged: " + file.name() + " is not what its manifest says";
    return cause == null ? new BackupException(message) : new BackupException(message, cause);
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
