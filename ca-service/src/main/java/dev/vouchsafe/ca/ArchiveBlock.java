package dev.vouchsafe.ca;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;

/**
 * Entries of the ledger as one block of its archive: one column after the other, deflated (RFC
 * 1950, whose checksum tells a damaged block). Everything stands in it but the hash of the key.
 */
final class ArchiveBlock {
  /** More makes a block smaller by little, and looking for one entry in it slower. */
  static final int MOST_ENTRIES = 256;

  /** For entries with as many names as a request can have. */
  private static final int MOST_OCTETS = 64 * 1024 * 1024;

  private static final byte VERSION = 1;
  private static final int HASH_OCTETS = 32;
  private static final HexFormat HEX = HexFormat.of();

  private ArchiveBlock() {}

  /**
   * @param entries at most {@link #MOST_ENTRIES}, each with a serial number made here
   */
  static byte[] pack(List<LedgerEntry> entries) {
    if (entries.size() > MOST_ENTRIES) {
      throw new IllegalArgumentException("too many entries for a block: " + entries.size());
    }
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    packed.write(VERSION);
    Deflater deflater = new Deflater();
    try (DataOutputStream out =
        new DataOutputStream(new DeflaterOutputStream(packed, deflater, 8192))) {
      out.writeShort(entries.size());
      for (LedgerEntry entry : entries) {
        out.write(octets(entry.serial(), Serials.LENGTH));
      }
      for (LedgerEntry entry : entries) {
        out.writeLong(entry.notBefore().getEpochSecond());
      }
      for (LedgerEntry entry : entries) {
        out.writeLong(entry.notAfter().getEpochSecond());
      }
      for (LedgerEntry entry : entries) {
        out.writeByte(StateCode.of(entry.state()));
      }
      texts(out, entries, LedgerEntry::module);
      texts(out, entries, LedgerEntry::generation);
      texts(out, entries, LedgerEntry::profile);
      texts(out, entries, LedgerEntry::authority);
      texts(out, entries, LedgerEntry::subject);
      texts(out, entries, entry -> String.join(" ", entry.names()));
      for (LedgerEntry entry : entries) {
        out.write(octets(entry.tbsSha256(), HASH_OCTETS));
      }
    } catch (IOException e) {
      throw new IllegalStateException("packing in memory does not fail", e);
    } finally {
      deflater.end();
    }
    return packed.toByteArray();
  }

  private static byte[] octets(String hex, int length) {
    byte[] octets = HEX.parseHex(hex);
    if (octets.length != length) {
      throw new IllegalArgumentException("not " + length + " octets: " + hex);
    }
    return octets;
  }

  private static void texts(
      DataOutputStream out, List<LedgerEntry> entries, Function<LedgerEntry, String> column)
      throws IOException {
    for (LedgerEntry entry : entries) {
      byte[] text = column.apply(entry).getBytes(StandardCharsets.UTF_8);
      out.writeInt(text.length);
      out.write(text);
    }
  }

  /**
   * @throws SQLException if the block is damaged, or of a later release
   */
  static List<LedgerEntry> unpack(byte[] packed) throws SQLException {
    try {
      if (packed.length == 0 || packed[0] != VERSION) {
        throw new IOException("it is of no version that this program reads");
      }
      return unpack(new Bounded(packed));
    } catch (IOException | SQLException | RuntimeException e) {
      throw new SQLException("a block of the ledger's archive is damaged: " + e.getMessage(), e);
    }
  }

  private static List<LedgerEntry> unpack(Bounded in) throws IOException, SQLException {
    int count = in.data.readUnsignedShort();
    if (count > MOST_ENTRIES) {
      throw new IOException("it says that it has " + count + " entries");
    }
    List<String> serials = in.hex(count, Serials.LENGTH);
    List<Instant> notBefore = in.times(count);
    List<Instant> notAfter = in.times(count);
    List<LedgerEntry.State> states = in.states(count);
    List<String> modules = in.texts(count);
    List<String> generations = in.texts(count);
    List<String> profiles = in.texts(count);
    List<String> authorities = in.texts(count);
    List<String> subjects = in.texts(count);
    List<String> names = in.texts(count);
    List<String> hashes = in.hex(count, HASH_OCTETS);
    if (in.data.read() >= 0) {
      throw new IOException("something follows its end");
    }
    List<LedgerEntry> entries = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      entries.add(
          new LedgerEntry(
              serials.get(i),
              modules.get(i),
              generations.get(i),
              profiles.get(i),
              authorities.get(i),
              subjects.get(i),
              names.get(i).isEmpty() ? List.of() : List.of(names.get(i).split(" ")),
              notBefore.get(i),
              notAfter.get(i),
              states.get(i),
              hashes.get(i),
              Optional.empty()));
    }
    return entries;
  }

  /** The columns of a block, none of which is believed about its length. */
  private static final class Bounded {
    final DataInputStream data;
    private int left = MOST_OCTETS;

    Bounded(byte[] packed) {
      data =
          new DataInputStream(
              new InflaterInputStream(new ByteArrayInputStream(packed, 1, packed.length - 1)));
    }

    private byte[] octets(int length) throws IOException {
      if (length < 0 || length > left) {
        throw new IOException("it is too large");
      }
      left -= length;
      byte[] octets = data.readNBytes(length);
      if (octets.length != length) {
        throw new IOException("it is cut off");
      }
      return octets;
    }

    List<String> hex(int count, int length) throws IOException {
      List<String> column = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        column.add(HEX.formatHex(octets(length)));
      }
      return column;
    }

    List<Instant> times(int count) throws IOException {
      List<Instant> column = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        column.add(Instant.ofEpochSecond(data.readLong()));
      }
      return column;
    }

    List<LedgerEntry.State> states(int count) throws IOException, SQLException {
      List<LedgerEntry.State> column = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        column.add(StateCode.state(data.readUnsignedByte()));
      }
      return column;
    }

    List<String> texts(int count) throws IOException {
      List<String> column = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        column.add(new String(octets(data.readInt()), StandardCharsets.UTF_8));
      }
      return column;
    }
  }
}
