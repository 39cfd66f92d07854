package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/**
 * Puts the ledger of a backup in the place of another: proves that the backup is this gateway's,
 * says what would be forgotten, and prepares the copy, in a folder that no service uses yet.
 */
public final class Restoration {
  /** No line of an audit checkpoint, which the same key signs, begins so. */
  private static final byte[] PREFIX =
      "vouchsafe backup manifest 1\n".getBytes(StandardCharsets.US_ASCII);

  private Restoration() {}

  /** The octets that are signed for that manifest. */
  static byte[] signed(byte[] manifest) {
    ByteArrayOutputStream octets = new ByteArrayOutputStream();
    octets.writeBytes(PREFIX);
    octets.writeBytes(manifest);
    return octets.toByteArray();
  }

  /**
   * Throws unless a backup is genuine: the key store of that name opens what the sealer holds, that
   * is the private half of its public key, and that key signed the manifest. So it was made on a
   * gateway with this key store, by its service. Reads nothing else of the backup.
   *
   * @throws KeyFault what the store said, or what doesn't fit
   */
  public static void prove(
      BackupSealer sealer,
      AuthorityStores stores,
      SoftwareCrypto crypto,
      byte[] manifest,
      byte[] signature)
      throws KeyFault {
    SealedAuditKey.prove(
        new KeyLedger.StoredAuditKey(decoded(sealer.publicKey()), decoded(sealer.sealed())),
        new Sealer(new NamedStores(stores).named(sealer.keyStore())),
        crypto,
        signed(manifest),
        signature);
  }

  private static Blob decoded(String base64) throws KeyFault {
    try {
      return new Blob(Base64.getDecoder().decode(base64));
    } catch (IllegalArgumentException e) {
      throw new KeyFault.Failed("the backup's sealed key is not base64", e);
    }
  }

  /**
   * What the ledger of a home knows and that of a backup does not, for people; empty if it knows
   * nothing more. Changes neither.
   *
   * @param copy the folder with the backup's {@code ca.db}, which was proved
   * @param present the folder of the home
   * @throws IOException if either can't be read
   */
  public static List<String> lost(Path copy, Path present) throws IOException {
    try (Connection backup = LedgerSchema.connectToLook(copy);
        Connection home = LedgerSchema.connectToLook(present)) {
      return LedgerComparison.lost(backup, home);
    } catch (SQLException e) {
      throw new IOException("the ledger can't be read: " + e.getMessage(), e);
    }
  }

  /**
   * Prepares the backup's {@code ca.db} to be the ledger: it is brought up to date, records the
   * gap, passes over the generations of authorities that may have been used since, and takes in
   * what the present home knows of revocations. All of that or, after a failure, a copy that is to
   * be thrown away.
   *
   * @param copy the folder with the backup's {@code ca.db}, which was proved
   * @param present the folder of the home that it replaces, if its ledger can be read
   * @param lists the folder of that home, be its ledger readable or not, if there is one: the
   *     revocation lists in it are verified, so they are taken also where nothing else is known
   * @return what could not be taken in, for people
   */
  public static List<String> prepare(
      Path copy,
      Optional<Path> present,
      Optional<Path> lists,
      RestoreFacts facts,
      SoftwareCrypto crypto)
      throws IOException {
    LedgerSchema.checkAndUpdate(copy, LedgerSchema::connect);
    Path file = copy.resolve(LedgerSchema.FILE);
    RestoreWrite write;
    try (Connection ledger = LedgerSchema.connect(file)) {
      ledger.setAutoCommit(false);
      write = new RestoreWrite(ledger);
      if (present.isPresent()) {
        try (Connection home = LedgerSchema.connectToLook(present.get())) {
          write.union(home);
        }
      }
      write.gap(facts, time(facts, copy, present));
      ledger.commit();
    } catch (SQLException e) {
      throw new IOException("the ledger can't be prepared: " + e.getMessage(), e);
    }
    if (lists.isPresent()) {
      keepLists(copy, lists.get(), crypto);
    }
    return write.told();
  }

  /** By a clock that is behind, a gap must not end before what is known to have been made. */
  private static Instant time(RestoreFacts facts, Path copy, Optional<Path> present)
      throws IOException {
    Instant latest = facts.known().isAfter(facts.now()) ? facts.known() : facts.now();
    for (Path folder : present.isPresent() ? List.of(copy, present.get()) : List.of(copy)) {
      Optional<Instant> newest = LedgerReader.newest(folder);
      if (newest.isPresent() && newest.get().isAfter(latest)) {
        latest = newest.get();
      }
    }
    return latest;
  }

  /** Of two lists that an authority signed the later one stays, whichever ledger knows of it. */
  private static void keepLists(Path copy, Path present, SoftwareCrypto crypto) throws IOException {
    CrlFiles to = new CrlFiles(copy);
    CrlFiles from = new CrlFiles(present);
    CrlReader reader = new CrlReader(crypto);
    for (LedgerReader.StoredAuthority authority : LedgerReader.authorities(copy)) {
      if (authority.row().role() == AuthorityInfo.Role.ISSUING) {
        continue;
      }
      String id = authority.row().id();
      Optional<RevocationList> theirs = from.read(id).flatMap(der -> reader.read(authority, der));
      Optional<RevocationList> ours = to.read(id).flatMap(der -> reader.read(authority, der));
      if (theirs.isPresent() && (ours.isEmpty() || theirs.get().number() > ours.get().number())) {
        to.write(id, theirs.get().der());
      }
    }
  }
}
