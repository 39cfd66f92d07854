package dev.vouchsafe.ca;

import java.util.List;

/**
 * What each version of {@code ca.db} brought. A new version is added at the end; what stands here
 * already is in files on gateways and never changes.
 *
 * <p>Measured with a million leaves of four names: 309 octets a row, indexes included. Rows are
 * numbered in the order in which they were recorded, so that "newest first" holds under a clock
 * that jumps, and so that SQLite appends to its tree instead of splitting pages.
 */
final class LedgerVersions {
  /** Authorities and certificates. */
  private static final List<String> FIRST =
      List.of(
          """
          CREATE TABLE authority(
            id INTEGER PRIMARY KEY,
            role TEXT NOT NULL,
            generation INTEGER NOT NULL,
            key_store TEXT NOT NULL,
            key_type TEXT NOT NULL,
            state TEXT NOT NULL,
            serial BLOB NOT NULL UNIQUE,
            tbs_sha256 BLOB NOT NULL,
            certificate BLOB,
            UNIQUE(role, generation)
          ) STRICT\
          """,
          """
          CREATE TABLE module(
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE
          ) STRICT\
          """,
          """
          CREATE TABLE certificate(
            id INTEGER PRIMARY KEY,
            serial BLOB NOT NULL,
            module INTEGER NOT NULL REFERENCES module,
            generation TEXT NOT NULL,
            profile TEXT NOT NULL,
            authority INTEGER NOT NULL REFERENCES authority,
            common_name TEXT NOT NULL,
            names TEXT NOT NULL,
            not_before INTEGER NOT NULL,
            not_after INTEGER NOT NULL,
            state INTEGER NOT NULL,
            tbs_sha256 BLOB NOT NULL,
            spki_sha256 BLOB NOT NULL
          ) STRICT\
          """,
          "CREATE UNIQUE INDEX certificate_serial ON certificate(serial)",
          "CREATE INDEX certificate_module ON certificate(module)");

  /** What tokens and the modules' keys brought. Of the keys, one at most is active and one next. */
  private static final List<String> SECOND =
      List.of(
          """
          CREATE TABLE sealed_secret(
            name TEXT PRIMARY KEY,
            sealed BLOB NOT NULL,
            created INTEGER NOT NULL
          ) STRICT\
          """,
          """
          CREATE TABLE token_key(
            id INTEGER PRIMARY KEY,
            kid TEXT NOT NULL UNIQUE,
            spki BLOB NOT NULL,
            sealed BLOB NOT NULL,
            state TEXT NOT NULL,
            created INTEGER NOT NULL,
            activated INTEGER,
            retired INTEGER
          ) STRICT\
          """,
          "CREATE UNIQUE INDEX token_key_state ON token_key(state) WHERE state <> 'retired'",
          """
          CREATE TABLE token_block(
            id INTEGER PRIMARY KEY,
            prefix BLOB NOT NULL UNIQUE,
            size INTEGER NOT NULL,
            module INTEGER NOT NULL REFERENCES module,
            generation TEXT NOT NULL,
            token_key INTEGER NOT NULL REFERENCES token_key,
            reserved INTEGER NOT NULL,
            latest_expiry INTEGER NOT NULL
          ) STRICT\
          """,
          "CREATE INDEX token_block_key ON token_block(token_key, latest_expiry)",
          """
          CREATE TABLE disclosure(
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            administrator TEXT NOT NULL,
            action TEXT NOT NULL,
            module INTEGER NOT NULL REFERENCES module,
            generation TEXT NOT NULL,
            which TEXT NOT NULL
          ) STRICT\
          """);

  /**
   * No table of its own; but an authority may stand in the third with a hash of no octets,
   * reserved, and be an issuing CA, or in another key store than the rest.
   */
  private static final List<String> THIRD = List.of();

  /** The audit log's one key: an older release would leave it sealed by a store that went. */
  private static final List<String> FOURTH =
      List.of(
          """
          CREATE TABLE audit_key(
            id INTEGER PRIMARY KEY CHECK(id = 1),
            spki BLOB NOT NULL,
            sealed BLOB NOT NULL,
            created INTEGER NOT NULL
          ) STRICT\
          """);

  /**
   * What was taken back. The list of an authority itself is a file; here is what must not be
   * forgotten of it: its number, and up to which revocation it goes.
   */
  private static final List<String> REVOCATION =
      List.of(
          """
          CREATE TABLE revocation(
            id INTEGER PRIMARY KEY,
            serial BLOB NOT NULL UNIQUE,
            authority INTEGER NOT NULL REFERENCES authority,
            module INTEGER REFERENCES module,
            subject_authority INTEGER REFERENCES authority,
            not_after INTEGER NOT NULL,
            revoked INTEGER NOT NULL,
            reason INTEGER NOT NULL,
            invalid_since INTEGER,
            administrator INTEGER NOT NULL
          ) STRICT\
          """,
          "CREATE INDEX revocation_authority ON revocation(authority, id)",
          "CREATE INDEX revocation_module ON revocation(module)",
          """
          CREATE TABLE crl(
            authority INTEGER PRIMARY KEY REFERENCES authority,
            number INTEGER NOT NULL,
            this_update INTEGER NOT NULL,
            next_update INTEGER NOT NULL,
            covers INTEGER NOT NULL,
            tbs_sha256 BLOB NOT NULL,
            swept INTEGER NOT NULL
          ) STRICT\
          """,
          """
          CREATE TABLE denied_module(
            module INTEGER NOT NULL REFERENCES module,
            generation TEXT NOT NULL,
            since INTEGER NOT NULL,
            administrator INTEGER NOT NULL,
            PRIMARY KEY(module, generation)
          ) STRICT\
          """,
          """
          CREATE TABLE denied_token(
            id TEXT PRIMARY KEY,
            latest_expiry INTEGER NOT NULL,
            revoked INTEGER NOT NULL,
            administrator INTEGER NOT NULL
          ) STRICT\
          """);

  /** An index by end, and the archive, where ended certificates stand packed in blocks. */
  private static final List<String> SCALE =
      List.of(
          "CREATE INDEX certificate_end ON certificate(not_after)",
          """
          CREATE TABLE archive(
            id INTEGER PRIMARY KEY,
            entries INTEGER NOT NULL,
            first_serial BLOB NOT NULL,
            last_serial BLOB NOT NULL,
            first_end INTEGER NOT NULL,
            last_end INTEGER NOT NULL,
            packed BLOB NOT NULL
          ) STRICT\
          """,
          "CREATE INDEX archive_serial ON archive(first_serial, last_serial)");

  /**
   * Authorities from outside: the certificates over one that is not signed by itself, nearest
   * first, and the request of one whose certificate others are to sign.
   */
  private static final List<String> OUTSIDE =
      List.of(
          """
          CREATE TABLE authority_above(
            authority INTEGER NOT NULL REFERENCES authority,
            position INTEGER NOT NULL,
            certificate BLOB NOT NULL,
            PRIMARY KEY(authority, position)
          ) STRICT\
          """,
          """
          CREATE TABLE authority_request(
            authority INTEGER PRIMARY KEY REFERENCES authority,
            request BLOB NOT NULL
          ) STRICT\
          """);

  /**
   * The steps in the life of authorities, each noted before it is begun, and the certificates by
   * which one root vouches for the key of another (RFC 9810 section 4.4).
   */
  private static final List<String> ROTATION =
      List.of(
          """
          CREATE TABLE rotation_step(
            id INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            role TEXT NOT NULL,
            authority TEXT NOT NULL,
            step TEXT NOT NULL,
            actor TEXT NOT NULL,
            above INTEGER NOT NULL,
            outcome TEXT NOT NULL
          ) STRICT\
          """,
          """
          CREATE TABLE cross_certificate(
            id INTEGER PRIMARY KEY,
            subject INTEGER NOT NULL REFERENCES authority,
            issuer INTEGER NOT NULL REFERENCES authority,
            serial BLOB NOT NULL UNIQUE,
            tbs_sha256 BLOB NOT NULL,
            certificate BLOB
          ) STRICT\
          """);

  /** Which authority certified which: names of others' CAs tell nothing for certain. */
  private static final List<String> ISSUERS =
      List.of(
          """
          CREATE TABLE authority_issuer(
            authority INTEGER PRIMARY KEY REFERENCES authority,
            issuer INTEGER NOT NULL REFERENCES authority
          ) STRICT\
          """);

  /**
   * What a ledger that was restored from a backup may not know, and the generations of authorities
   * that may have been used up since that backup.
   */
  private static final List<String> RESTORED =
      List.of(
          """
          CREATE TABLE gap(
            id INTEGER PRIMARY KEY,
            backup TEXT NOT NULL,
            known INTEGER NOT NULL,
            restored INTEGER NOT NULL,
            latest_end INTEGER NOT NULL,
            wanted INTEGER,
            administrator INTEGER,
            accepted INTEGER
          ) STRICT\
          """,
          """
          CREATE TABLE used_generation(
            role TEXT PRIMARY KEY,
            latest INTEGER NOT NULL
          ) STRICT\
          """);

  /**
   * In which block each packed entry is, since the serial numbers of a block may be of any time;
   * which blocks hold what has not ended by the present time; and blocks of token ids, packed.
   */
  private static final List<String> ARCHIVE =
      List.of(
          "ALTER TABLE archive ADD COLUMN listed INTEGER NOT NULL DEFAULT 0",
          """
          CREATE TABLE archive_entry(
            serial BLOB PRIMARY KEY,
            block INTEGER NOT NULL
          ) STRICT, WITHOUT ROWID\
          """,
          "CREATE INDEX archive_end ON archive(last_end)",
          "CREATE INDEX archive_unlisted ON archive(first_serial, last_serial) WHERE listed = 0",
          """
          CREATE TABLE token_archive(
            id INTEGER PRIMARY KEY,
            blocks INTEGER NOT NULL,
            last_expiry INTEGER NOT NULL,
            packed BLOB NOT NULL
          ) STRICT\
          """,
          "CREATE INDEX token_archive_expiry ON token_archive(last_expiry)");

  /**
   * Anyone may ask whether an authority is revoked, and how many revocations live is asked often:
   * neither reads them all.
   */
  private static final List<String> REVOCATION_INDEXES =
      List.of(
          "CREATE INDEX revocation_subject ON revocation(subject_authority)"
              + " WHERE subject_authority IS NOT NULL",
          "CREATE INDEX revocation_end ON revocation(not_after)");

  /** When a root's certificate for another ends, so that it can be on a list until then. */
  private static final List<String> CROSS_END =
      List.of("ALTER TABLE cross_certificate ADD COLUMN not_after INTEGER");

  private static final List<List<String>> ALL =
      List.of(
          FIRST,
          SECOND,
          THIRD,
          FOURTH,
          REVOCATION,
          SCALE,
          OUTSIDE,
          ROTATION,
          ISSUERS,
          RESTORED,
          ARCHIVE,
          REVOCATION_INDEXES,
          CROSS_END);

  /** The version that this program writes. */
  static final int NEWEST = ALL.size();

  private LedgerVersions() {}

  /**
   * The statements that bring a file up to date.
   *
   * @param version of the file; 0 for an empty one
   */
  static List<String> after(int version) {
    return ALL.subList(version, NEWEST).stream().flatMap(List::stream).toList();
  }
}
