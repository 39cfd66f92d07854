package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds a page of ledger entries: first of those that stand as rows, then of the archive's blocks.
 *
 * <p>What narrows a query most decides by which index it goes, and so in which order: by time of
 * issue and serial number the newest first, by end the soonest first, else as recorded, the newest
 * first. All else that it asks for is held against each row on that way; so that a rare thing in a
 * million rows keeps nobody from the reading connection for long, a page looks at so many rows
 * only.
 */
final class LedgerSearch {
  /**
   * How much one page may look at.
   *
   * @param rows how many rows
   * @param blocks how many blocks of the archive, which must be unpacked
   */
  record Reach(int rows, int blocks) {
    /** Some 20 ms of each. */
    static final Reach USUAL = new Reach(50_000, 100);
  }

  private final Connection connection;
  private final LedgerFilter filter;
  private final SearchOrder order;
  private final Reach reach;
  private final int limit;
  private final List<LedgerEntry> items = new ArrayList<>();

  private LedgerSearch(Connection connection, LedgerQuery query, Reach reach) {
    this.reach = reach;
    this.connection = connection;
    this.filter = query.filter();
    this.order = SearchOrder.of(query.filter());
    this.limit = query.limit();
  }

  /**
   * @throws IssuanceException {@link Reason#REQUEST_INVALID} if something in the query can't be
   */
  static LedgerPage page(Connection connection, LedgerQuery query, Reach reach)
      throws SQLException, IssuanceException {
    query.filter().require();
    Optional<SearchCursor> cursor = Optional.empty();
    if (query.before().isPresent()) {
      cursor = Optional.of(SearchCursor.parse(query.before().get()));
    }
    LedgerSearch search = new LedgerSearch(connection, query, reach);
    search.requireAuthority();
    Optional<SearchCursor> next;
    if (cursor.isPresent() && cursor.get() instanceof SearchCursor.Block block) {
      next = search.archive(block);
    } else {
      next = search.rows(cursor);
      if (next.isEmpty()) {
        next = search.archive(new SearchCursor.Block(Long.MAX_VALUE, 0));
      }
    }
    return new LedgerPage(search.items, next.map(SearchCursor::text));
  }

  /** A name with a slip in it would find nothing, and look like an answer. */
  private void requireAuthority() throws SQLException, IssuanceException {
    if (filter.authority().isEmpty()) {
      return;
    }
    try (PreparedStatement query =
        connection.prepareStatement(
            "SELECT 1 FROM authority WHERE role || '-' || generation = ?")) {
      query.setString(1, filter.authority().get());
      try (ResultSet rows = query.executeQuery()) {
        if (!rows.next()) {
          throw new IssuanceException(
              Reason.REQUEST_INVALID, "authority: there is no " + filter.authority().get());
        }
      }
    }
  }

  private Optional<SearchCursor> rows(Optional<SearchCursor> after)
      throws SQLException, IssuanceException {
    SearchConditions way = order.way(filter);
    if (after.isPresent()) {
      order.after(after.get(), way);
    }
    SearchConditions rest = order.rest(filter);
    Optional<SearchCursor> end = Optional.empty();
    if (!rest.isEmpty()) {
      end = lastLookedAt(way);
      if (end.isPresent()) {
        order.upTo(end.get(), way);
      }
    }
    way.add(rest);
    try (PreparedStatement query =
        connection.prepareStatement(
            LedgerReader.leaves(order.index(filter))
                + way.where()
                + " ORDER BY "
                + order.sql()
                + " LIMIT ?")) {
      int parameter = way.bind(query, 1);
      // One more than is wanted tells whether there is more.
      query.setInt(parameter, limit + 1);
      Optional<SearchCursor> last = Optional.empty();
      try (ResultSet rows = query.executeQuery()) {
        while (rows.next()) {
          if (items.size() == limit) {
            return last;
          }
          last = Optional.of(order.cursor(rows));
          items.add(LedgerReader.entry(rows));
        }
      }
      return end;
    }
  }

  /** The last of as many rows as one page may look at, if there are more. */
  private Optional<SearchCursor> lastLookedAt(SearchConditions way) throws SQLException {
    try (PreparedStatement query =
        connection.prepareStatement(
            "SELECT c.id, c.serial, c.not_after FROM certificate c "
                + order.index(filter)
                + " "
                + way.where()
                + " ORDER BY "
                + order.sql()
                + " LIMIT 1 OFFSET "
                + (reach.rows() - 1))) {
      int _ = way.bind(query, 1);
      try (ResultSet rows = query.executeQuery()) {
        return rows.next()
            ? Optional.of(order.cursor(rows.getLong(1), rows.getBytes(2), rows.getLong(3)))
            : Optional.empty();
      }
    }
  }

  private Optional<SearchCursor> archive(SearchCursor.Block after) throws SQLException {
    SearchConditions wanted = SearchOrder.blocks(filter);
    wanted.add("b.id <= ?", after.id());
    try (PreparedStatement query =
        connection.prepareStatement(
            "SELECT b.id, b.packed FROM archive b " + wanted.where() + " ORDER BY b.id DESC")) {
      int _ = wanted.bind(query, 1);
      int looked = 0;
      try (ResultSet rows = query.executeQuery()) {
        while (rows.next()) {
          long id = rows.getLong(1);
          if (looked == reach.blocks() || items.size() == limit) {
            return Optional.of(new SearchCursor.Block(id, id == after.id() ? after.passed() : 0));
          }
          looked++;
          Optional<SearchCursor> next =
              block(
                  id, ArchiveBlock.unpack(rows.getBytes(2)), id == after.id() ? after.passed() : 0);
          if (next.isPresent()) {
            return next;
          }
        }
      }
    }
    // Behind the last block of the archive come those of roots for roots, as another one.
    return block(0, CrossLedger.entries(connection), after.id() == 0 ? after.passed() : 0);
  }

  /** Takes of one block what is wanted, its newest first, and says where it stopped, if it did. */
  private Optional<SearchCursor> block(long id, List<LedgerEntry> entries, int passed) {
    for (int i = passed; i < entries.size(); i++) {
      LedgerEntry entry = entries.get(entries.size() - 1 - i);
      if (filter.takes(entry)) {
        if (items.size() == limit) {
          return Optional.of(new SearchCursor.Block(id, i));
        }
        items.add(entry);
      }
    }
    return Optional.empty();
  }

  /** The block of the archive that has that serial number. */
  static Optional<LedgerArchive.Block> archived(Connection connection, byte[] serial)
      throws SQLException {
    List<LedgerArchive.Block> found =
        blocks(
            connection,
            "SELECT b.id, b.packed FROM archive_entry e CROSS JOIN archive b ON b.id = e.block"
                + " WHERE e.serial = ?",
            serial);
    if (!found.isEmpty()) {
      return Optional.of(found.getFirst());
    }
    // Blocks of an older release, which listed none.
    String wanted = Octets.hex(serial);
    return blocks(
            connection,
            "SELECT id, packed FROM archive INDEXED BY archive_unlisted WHERE listed = 0"
                + " AND first_serial <= ? AND last_serial >= ? ORDER BY id DESC",
            serial,
            serial)
        .stream()
        .filter(block -> block.entries().stream().anyMatch(it -> it.serial().equals(wanted)))
        .findFirst();
  }

  static Optional<LedgerArchive.Block> archived(Connection connection, long id)
      throws SQLException {
    return blocks(connection, "SELECT id, packed FROM archive WHERE id = ?", id).stream()
        .findFirst();
  }

  private static List<LedgerArchive.Block> blocks(
      Connection connection, String sql, Object... values) throws SQLException {
    List<LedgerArchive.Block> blocks = new ArrayList<>();
    try (PreparedStatement query = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        query.setObject(i + 1, values[i]);
      }
      try (ResultSet rows = query.executeQuery()) {
        while (rows.next()) {
          blocks.add(
              new LedgerArchive.Block(rows.getLong(1), ArchiveBlock.unpack(rows.getBytes(2))));
        }
      }
    }
    return blocks;
  }
}
