package dev.vouchsafe.trust;

import java.io.IOException;
import java.nio.file.Path;

/** The file that holds the bundle. */
final class BundleFile {
  private final DurableFile file;

  BundleFile(Path file) {
    this.file = new DurableFile(file);
  }

  BundleDocument read() throws IOException {
    byte[] text = file.read(BundleDocument.LARGEST);
    try {
      return BundleDocument.parse(text);
    } catch (IOException e) {
      throw new IOException(
          "the trust bundle " + file + " is damaged or of another version: " + e.getMessage(), e);
    }
  }

  /**
   * @throws java.nio.file.FileAlreadyExistsException if the name is taken
   */
  void create(BundleDocument document) throws IOException {
    file.create(document.encoded());
  }

  void replace(BundleDocument document) throws IOException {
    file.replace(document.encoded());
  }

  /** Removes what an interrupted write left. */
  void sweep() throws IOException {
    file.sweep();
  }
}
