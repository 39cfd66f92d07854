package dev.vouchsafe.ca;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Base64;
import java.util.Locale;
import org.sqlite.SQLiteConfig.JournalMode;

/** Copies the database while it is written, as one moment of it (sqlite.org/lang_vacuum.html). */
final class LedgerCopy {
  private LedgerCopy() {}

  /** Writes the copy and syncs it; what there is of it after a failure is removed. */
  static void write(Path file, Path target) throws IOException {
    if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException(target + " is there already");
    }
    boolean written = false;
    try {
      // Made first, so that nobody else can read it for a moment; SQLite takes an empty file.
      Files.createFile(
          target,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      vacuum(file, target);
      try (FileChannel channel = FileChannel.open(target, StandardOpenOption.READ)) {
        channel.force(true);
      }
      written = true;
    } catch (SQLException e) {
      throw new IOException("the ledger can't be copied: " + e.getMessage(), e);
    } finally {
      if (!written) {
        Files.deleteIfExists(target);
      }
    }
  }

  private static void vacuum(Path file, Path target) throws SQLException {
    try (Connection connection =
            LedgerSchema.connect(file, JournalMode.WAL, LedgerSchema.BUSY_TIMEOUT_MILLIS);
        PreparedStatement copy = connection.prepareStatement("VACUUM INTO ?")) {
      copy.setString(1, target.toAbsolutePath().toString());
      copy.execute();
    }
  }

  /** The audit key of a copy, and the store that sealed it. */
  static BackupSealer sealer(Path folder) throws IOException {
    try (Connection connection = LedgerSchema.connectToLook(folder);
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT a.key_store, k.spki, k.sealed FROM audit_key k, authority a"
                    + " WHERE a.role = 'device' AND a.state = 'active'")) {
      if (!row.next()) {
        throw new IOException("there is no audit key yet: start the service with its key store");
      }
      Base64.Encoder base64 = Base64.getEncoder();
      return new BackupSealer(
          row.getString(1),
          base64.encodeToString(row.getBytes(2)),
          base64.encodeToString(row.getBytes(3)));
    } catch (SQLException e) {
      throw new IOException("the copy of the ledger can't be read: " + e.getMessage(), e);
    }
  }

  /** A role as the ledger has it. */
  static String text(AuthorityInfo.Role role) {
    return role.name().toLowerCase(Locale.ROOT);
  }
}
