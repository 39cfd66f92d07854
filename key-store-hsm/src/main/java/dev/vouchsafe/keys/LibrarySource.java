package dev.vouchsafe.keys;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where a store's PKCS#11 library comes from, and what ends with the store. */
sealed interface LibrarySource extends AutoCloseable permits LibrarySource.Here, HelperLibrary {
  /**
   * The library, loaded or started at the first call: what becomes of its file later doesn't matter
   * to us.
   */
  CryptokiLibrary library() throws KeyFault;

  /** Ends what was started for this store alone. Its connections are closed already. */
  @Override
  void close();

  /** The one that these settings ask for. */
  static LibrarySource of(Pkcs11Settings settings, SecureFiles files) {
    Path modulePath = settings.uri().modulePath();
    return settings.helper() ? new HelperLibrary(modulePath, files) : new Here(modulePath, files);
  }

  /** A library in this process. */
  final class Here implements LibrarySource {
    private final Path modulePath;
    private final SecureFiles files;
    private volatile @Nullable CryptokiLibrary library;

    private Here(Path modulePath, SecureFiles files) {
      this.modulePath = modulePath;
      this.files = files;
    }

    @Override
    public CryptokiLibrary library() throws KeyFault {
      CryptokiLibrary loaded = library;
      if (loaded == null) {
        loaded = CryptokiLibrary.at(modulePath, files);
        library = loaded;
      }
      return loaded;
    }

    /** A library is never unloaded: it may be another store's as well. */
    @Override
    public void close() {}
  }
}
