package dev.vouchsafe.cli.backup;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes a backup: a zip of files, then the manifest with the hash of each, then its signature. */
public final class BackupWriter implements AutoCloseable {
  private final FileChannel channel;
  private final ZipOutputStream zip;
  private final List<BackupManifest.Entry> written = new ArrayList<>();

  private BackupWriter(FileChannel channel) {
    this.channel = channel;
    this.zip = new ZipOutputStream(new BufferedOutputStream(Channels.newOutputStream(channel)));
  }

  /** Makes what is signed. */
  public interface Manifests {
    BackupManifest of(List<BackupManifest.Entry> files);
  }

  /**
   * Signs a manifest.
   *
   * @param <E> how it fails
   */
  public interface Signer<E extends Exception> {
    byte[] sign(byte[] manifest) throws E;
  }

  /** Begins a new file, which only its owner can read. */
  public static BackupWriter create(Path file) throws IOException {
    return new BackupWriter(
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))));
  }

  /** Adds a file as it is now, following no link. */
  public void add(String name, Path file) throws IOException {
    if (!BackupNames.isAllowed(name)) {
      throw new BackupException(file + " can't be in a backup");
    }
    zip.putNextEntry(new ZipEntry(name));
    MessageDigest digest = sha256();
    long octets;
    try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
      octets = in.transferTo(new DigestOutputStream(uncloseable(), digest));
    }
    zip.closeEntry();
    written.add(new BackupManifest.Entry(name, octets, HexFormat.of().formatHex(digest.digest())));
  }

  private OutputStream uncloseable() {
    return new OutputStream() {
      @Override
      public void write(int octet) throws IOException {
        zip.write(octet);
      }

      @Override
      public void write(byte[] octets, int from, int length) throws IOException {
        zip.write(octets, from, length);
      }
    };
  }

  /** Adds manifest and signature, and syncs the file. */
  public <E extends Exception> void finish(Manifests manifests, Signer<E> signer)
      throws IOException, E {
    byte[] manifest = manifests.of(written).encoded();
    byte[] signature = signer.sign(manifest);
    zip.putNextEntry(new ZipEntry(BackupNames.MANIFEST));
    zip.write(manifest);
    zip.closeEntry();
    zip.putNextEntry(new ZipEntry(BackupNames.SIGNATURE));
    zip.write(signature);
    zip.closeEntry();
    zip.finish();
    zip.flush();
    channel.force(true);
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  @Override
  public void close() throws IOException {
    // Not the zip: after a failure it would try to write its end, and fail once more.
    channel.close();
  }
}
