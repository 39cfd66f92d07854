package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Looks whether the key that was bound to PCRs last can be used now: so a machine that was started
 * otherwise is told of at once, and not by the first signature that fails. Older ones may have been
 * replaced for that very reason.
 */
final class TpmPolicies {
  private final Path directory;
  private final TpmPlace place;
  private final TpmState state;

  TpmPolicies(Path directory, TpmPlace place, TpmState state) {
    this.directory = directory;
    this.place = place;
    this.state = state;
  }

  /** A key that is bound to PCRs, and where it is. */
  private record Bound(Path file, FileTime written, TpmPcrs pcrs) {}

  /** Whether it can be used, or there is none. */
  boolean look(TpmTurn turn, TpmConnection open) throws KeyFault, TpmException, IOException {
    Optional<Bound> newest = newest(directory, place.files(), open);
    if (newest.isEmpty()) {
      return true;
    }
    state.newest(newest.get().file());
    Optional<String> changed = new TpmSigning(place.objects()).seen(turn, newest.get().pcrs());
    changed.ifPresent(why -> state.lock(newest.get().file(), why));
    return changed.isEmpty();
  }

  /** The file of the key that was bound to PCRs last, if there is one. */
  static Optional<Path> newestBound(Path directory, SecureFiles files, TpmConnection open)
      throws KeyFault, IOException {
    return newest(directory, files, open).map(Bound::file);
  }

  private static Optional<Bound> newest(Path directory, SecureFiles files, TpmConnection open)
      throws KeyFault, IOException {
    @Nullable Bound newest = null;
    try (DirectoryStream<Path> keys =
        Files.newDirectoryStream(directory, "*" + TpmKeyFile.SUFFIX)) {
      for (Path key : keys) {
        Optional<TpmPcrs> pcrs = pcrs(key, files, open);
        FileTime written = Files.getLastModifiedTime(key);
        if (pcrs.isPresent() && (newest == null || written.compareTo(newest.written()) > 0)) {
          newest = new Bound(key, written, pcrs.get());
        }
      }
    }
    return Optional.ofNullable(newest);
  }

  /** A damaged file is told of when its key is asked for. */
  private static Optional<TpmPcrs> pcrs(Path key, SecureFiles files, TpmConnection open)
      throws KeyFault, IOException {
    try {
      return TpmKeyFile.parse(files.readOwn(key), open.ofFiles()).pcrs();
    } catch (MalformedException e) {
      return Optional.empty();
    }
  }
}
