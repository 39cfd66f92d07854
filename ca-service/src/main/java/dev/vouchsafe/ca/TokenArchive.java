package dev.vouchsafe.ca;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;

/**
 * Blocks of token ids whose last token ended long ago, many in one row, deflated (RFC 1950): so
 * that who takes tokens all day does not fill the ledger. By a clock that was ahead they may live,
 * and then they come back.
 */
final class TokenArchive {
  /**
   * A block of ids, with the numbers of module and key.
   *
   * @param id its number in its table; 0 in the archive
   */
  record Row(
      long id,
      Blob prefix,
      int size,
      long module,
      String generation,
      long key,
      long reserved,
      long latestExpiry) {
    private Row with(Blob other) {
      return new Row(id, other, size, module, generation, key, reserved, latestExpiry);
    }
  }

  /** A row of the archive. */
  record Packed(long id, List<Row> rows) {}

  static final int MOST_ROWS = 1024;

  private static final Duration WRITE_WAITS = Duration.ofSeconds(10);

  /** Under a limit that is near, fewer are worth a row. */
  private static final int FEW_ROWS = 32;

  private static final String COLUMNS =
      "prefix, size, module, generation, token_key, reserved, latest_expiry";

  private final LedgerWriter writer;
  private final LedgerReader reader;

  TokenArchive(LedgerWriter writer, LedgerReader reader) {
    this.writer = writer;
    this.reader = reader;
  }

  /**
   * Packs those of the oldest that ended before then, if they are many.
   *
   * @param pressed whether a few are enough
   * @return whether there may be more
   */
  boolean pack(Instant endedBefore, boolean pressed) throws SQLException, IssuanceException {
    List<Row> rows =
        reader.all(
            "SELECT id, "
                + COLUMNS
                + " FROM (SELECT * FROM token_block ORDER BY id LIMIT "
                + MOST_ROWS
                + ") WHERE latest_expiry < "
                + endedBefore.getEpochSecond(),
            TokenArchive::row);
    if (rows.size() < (pressed ? FEW_ROWS : MOST_ROWS)) {
      return false;
    }
    byte[] packed = packed(rows);
    KeyLedger.await(writer.conditional(ledger -> pack(ledger, rows, packed)), WRITE_WAITS);
    return rows.size() == MOST_ROWS;
  }

  private static void pack(LedgerStatements ledger, List<Row> rows, byte[] packed)
      throws SQLException {
    ledger.changeEach(
        "DELETE FROM token_block WHERE id = ? AND prefix = ?",
        rows,
        row -> List.of(row.id(), row.prefix().octets()));
    ledger.changeOne(
        "INSERT INTO token_archive(blocks, last_expiry, packed) VALUES (?, ?, ?)",
        rows.size(),
        rows.stream().mapToLong(Row::latestExpiry).max().orElseThrow(),
        packed);
  }

  /** Brings back one row of the archive with something that ends after that, and says whether. */
  boolean bringBack(Instant now) throws SQLException, IssuanceException {
    Optional<Packed> living =
        reader
            .all(
                "SELECT id, packed FROM token_archive WHERE last_expiry > "
                    + now.getEpochSecond()
                    + " LIMIT 1",
                row -> new Packed(row.getLong(1), unpacked(row.getBytes(2))))
            .stream()
            .findFirst();
    if (living.isPresent()) {
      KeyLedger.await(writer.conditional(ledger -> bringBack(ledger, living.get())), WRITE_WAITS);
    }
    return living.isPresent();
  }

  private static void bringBack(LedgerStatements ledger, Packed packed) throws SQLException {
    ledger.changeOne("DELETE FROM token_archive WHERE id = ?", packed.id());
    ledger.changeEach(
        "INSERT INTO token_block(" + COLUMNS + ") VALUES (?, ?, ?, ?, ?, ?, ?)",
        packed.rows(),
        row ->
            List.of(
                row.prefix().octets(),
                row.size(),
                row.module(),
                row.generation(),
                row.key(),
                row.reserved(),
                row.latestExpiry()));
  }

  private static Row row(ResultSet row) throws SQLException {
    return new Row(
        row.getLong(1),
        new Blob(row.getBytes(2)),
        row.getInt(3),
        row.getLong(4),
        row.getString(5),
        row.getLong(6),
        row.getLong(7),
        row.getLong(8));
  }

  static byte[] packed(List<Row> rows) {
    ByteArrayOutputStream octets = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(new DeflaterOutputStream(octets))) {
      out.writeShort(rows.size());
      for (Row row : rows) {
        byte[] generation = row.generation().getBytes(StandardCharsets.UTF_8);
        out.writeInt(row.size());
        out.writeLong(row.module());
        out.writeShort(generation.length);
        out.write(generation);
        out.writeLong(row.key());
        out.writeLong(row.reserved());
        out.writeLong(row.latestExpiry());
      }
      for (Row row : rows) {
        out.write(row.prefix().octets());
      }
    } catch (IOException e) {
      throw new IllegalStateException("packing in memory does not fail", e);
    }
    return octets.toByteArray();
  }

  /**
   * @throws SQLException if the row is damaged
   */
  static List<Row> unpacked(byte[] octets) throws SQLException {
    try (DataInputStream in =
        new DataInputStream(new InflaterInputStream(new ByteArrayInputStream(octets)))) {
      int count = in.readUnsignedShort();
      if (count > MOST_ROWS) {
        throw new IOException("it says that it has " + count + " blocks");
      }
      List<Row> rows = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        rows.add(
            new Row(
                0,
                new Blob(new byte[0]),
                in.readInt(),
                in.readLong(),
                new String(in.readNBytes(in.readUnsignedShort()), StandardCharsets.UTF_8),
                in.readLong(),
                in.readLong(),
                in.readLong()));
      }
      for (int i = 0; i < count; i++) {
        byte[] prefix = in.readNBytes(TokenIds.PREFIX);
        if (prefix.length != TokenIds.PREFIX) {
          throw new IOException("it is cut off");
        }
        rows.set(i, rows.get(i).with(new Blob(prefix)));
      }
      if (in.read() >= 0) {
        throw new IOException("something follows its end");
      }
      return rows;
    } catch (IOException e) {
      throw new SQLException(
          "a row of the ledger's archive of token ids is damaged: " + e.getMessage(), e);
    }
  }
}
