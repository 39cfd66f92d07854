package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
   * What a home knows and a backup does not, for people; empty if it knows nothing more. Changes
   * neither. A ledger that is damaged, or gone, is told as such, with all that can still be read.
   *
   * @param copy the folder with the backup's {@code ca.db}, which was proved
   * @param present the folder of the home
   * @param bundle the roots in the home's trust bundle; none if that can't be read
   * @throws IOException if the backup's can't be read
   */
  public static List<String> lost(Path copy, Path present, List<X509Certificate> bundle)
      throws IOException {
    List<String> lost = new ArrayList<>();
    if (Files.exists(present.resolve(LedgerSchema.FILE), LinkOption.NOFOLLOW_LINKS)) {
      try (Connection backup = LedgerSchema.connectToLook(copy)) {
        lost.addAll(lostOfLedger(backup, present));
      } catch (SQLException e) {
        throw unreadable(e);
      }
    }
    if (!bundle.isEmpty()) {
      lost.addAll(LedgerComparison.ofBundle(trusted(copy), bundle));
    }
    return lost;
  }

  private static List<String> lostOfLedger(Connection backup, Path present) throws SQLException {
    try (Connection home = LedgerSchema.connectToLook(present)) {
      return LedgerComparison.lost(backup, home);
    } catch (IOException e) {
      return List.of(
          "the present ledger can't be read, so what it knows is lost: " + e.getMessage());
    }
  }

  /** The roots that a trust bundle would have by that ledger. */
  private static Map<String, X509Certificate> trusted(Path copy) throws IOException {
    Map<String, X509Certificate> roots = new LinkedHashMap<>();
    for (LedgerReader.StoredAuthority authority : LedgerReader.authorities(copy)) {
      AuthorityInfo.State state = authority.row().state();
      if (authority.row().role() == AuthorityInfo.Role.ROOT
          && state != AuthorityInfo.State.PREPARED
          && state != AuthorityInfo.State.RETIRED) {
        roots.put(authority.row().id(), authority.info().anchor());
      }
    }
    return roots;
  }

  /**
   * Prepares the backup's {@code ca.db} to be the ledger: it is brought up to date, records the
   * gap, passes over the generations of authorities that may have been used since, and takes in
   * what can be read of the present home: its revocations, the authorities that were made since,
   * and its revocation lists, which are verified, so that they are taken also where nothing else is
   * known. All of that or, after a failure, a copy that is to be thrown away.
   *
   * @param copy the folder with the backup's {@code ca.db}, which was proved
   * @param present the folder of the home that it replaces, if there is one
   * @return what could not be taken in, for people
   */
  public static List<String> prepare(
      Path copy, Optional<Path> present, RestoreFacts facts, SoftwareCrypto crypto)
      throws IOException {
    LedgerSchema.checkAndUpdate(copy, LedgerSchema::connect);
    RestoreWrite write;
    try (Connection ledger = LedgerSchema.connect(copy.resolve(LedgerSchema.FILE))) {
      ledger.setAutoCommit(false);
      write = new RestoreWrite(ledger);
      if (present.isPresent()) {
        union(write, present.get());
      }
      write.gap(facts, time(facts, copy, present));
      ledger.commit();
    } catch (SQLException e) {
      throw new IOException("the ledger can't be prepared: " + e.getMessage(), e);
    }
    List<String> told = new ArrayList<>(write.told());
    if (present.isPresent()) {
      told.addAll(keepLists(copy, present.get(), crypto));
    }
    return told;
  }

  /** One that can't be opened at all was told of before, by {@link #lost}. */
  private static void union(RestoreWrite write, Path present) throws SQLException {
    try (Connection home = LedgerSchema.connectToLook(present)) {
      write.union(new LedgerSalvage(home));
    } catch (IOException e) {
      System.getLogger(Restoration.class.getName())
          .log(System.Logger.Level.WARNING, "nothing is taken in: {0}", e.getMessage());
    }
  }

  /** By a clock that is behind, a gap must not end before what is known to have been made. */
  private static Instant time(RestoreFacts facts, Path copy, Optional<Path> present)
      throws IOException {
    Instant latest = later(facts.known(), facts.now());
    latest = later(latest, LedgerReader.newest(copy).orElse(latest));
    if (present.isPresent()) {
      try {
        latest = later(latest, LedgerReader.newest(present.get()).orElse(latest));
      } catch (IOException e) {
        // Damaged, or gone: what it knew of the time, the floor of the clock knows as well.
        System.getLogger(Restoration.class.getName())
            .log(System.Logger.Level.DEBUG, "the present ledger tells no time", e);
      }
    }
    return latest;
  }

  private static Instant later(Instant one, Instant other) {
    return one.isAfter(other) ? one : other;
  }

  private static IOException unreadable(SQLException e) {
    return new IOException("the ledger can't be read: " + e.getMessage(), e);
  }

  /**
   * Of two lists that an authority signed the later one stays, whichever ledger knows of it.
   *
   * @return what could not be read
   */
  private static List<String> keepLists(Path copy, Path present, SoftwareCrypto crypto)
      throws IOException {
    List<String> told = new ArrayList<>();
    CrlFiles to = new CrlFiles(copy);
    CrlFiles from = new CrlFiles(present);
    CrlReader reader = new CrlReader(crypto);
    for (LedgerReader.StoredAuthority authority : LedgerReader.authorities(copy)) {
      if (authority.row().role() == AuthorityInfo.Role.ISSUING) {
        continue;
      }
      String id = authority.row().id();
      Optional<RevocationList> theirs;
      try {
        theirs = from.read(id).flatMap(der -> reader.read(authority, der));
      } catch (IOException e) {
        told.add("the present revocation list of " + id + " can't be read: " + e.getMessage());
        continue;
      }
      Optional<RevocationList> ours = to.read(id).flatMap(der -> reader.read(authority, der));
      if (theirs.isPresent() && (ours.isEmpty() || theirs.get().number() > ours.get().number())) {
        to.write(id, theirs.get().der());
      }
    }
    return told;
  }
}
