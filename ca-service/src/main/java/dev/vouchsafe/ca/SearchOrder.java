package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Arrays;

/** The ways through the ledger's rows, one an index, each with the order that it gives. */
enum SearchOrder {
  /** As they were recorded, the newest first. */
  RECORDED("c.id DESC"),
  /** By serial numbers, which begin with the time of issue, the newest first. */
  ISSUED("c.serial DESC"),
  /** By the end, the soonest first. */
  ENDING("c.not_after, c.id");

  private static final byte[] LOWEST = new byte[Serials.LENGTH];
  private static final byte[] HIGHEST = new byte[Serials.LENGTH];

  static {
    Arrays.fill(HIGHEST, (byte) 0xff);
  }

  private final String sql;

  SearchOrder(String sql) {
    this.sql = sql;
  }

  static SearchOrder of(LedgerFilter filter) {
    if (filter.serial().isPresent() || !filter.issued().isAlways()) {
      return ISSUED;
    }
    return filter.ends().isAlways() ? RECORDED : ENDING;
  }

  String sql() {
    return sql;
  }

  /** By which index it goes: SQLite knows nothing of how the values are spread. */
  String index(LedgerFilter filter) {
    return switch (this) {
      case RECORDED ->
          filter.module().isPresent() ? "INDEXED BY certificate_module" : "NOT INDEXED";
      case ISSUED -> "INDEXED BY certificate_serial";
      case ENDING -> "INDEXED BY certificate_end";
    };
  }

  /** What the index itself narrows down to. */
  SearchConditions way(LedgerFilter filter) {
    SearchConditions way = new SearchConditions();
    switch (this) {
      case RECORDED -> module(filter, way);
      case ISSUED ->
          way.add("c.serial BETWEEN ? AND ?", lowestSerial(filter), highestSerial(filter));
      case ENDING -> ends(filter, way);
    }
    return way;
  }

  /** All else that is asked for. */
  SearchConditions rest(LedgerFilter filter) {
    SearchConditions rest = new SearchConditions();
    if (this != RECORDED) {
      module(filter, rest);
    }
    if (this != ENDING) {
      ends(filter, rest);
    }
    filter.state().ifPresent(state -> rest.add("c.state = ?", StateCode.of(state)));
    filter.profile().ifPresent(profile -> rest.add("c.profile = ?", profile));
    filter
        .authority()
        .ifPresent(id ->
            rest.add(
                "c.authority = (SELECT id FROM authority WHERE role || '-' || generation = ?)",
                id));
    if (filter.revoked()) {
      rest.add(
          "(EXISTS (SELECT 1 FROM revocation r WHERE r.serial = c.serial) OR c.authority IN"
              + " (SELECT subject_authority FROM revocation WHERE subject_authority IS NOT NULL))");
    }
    return rest;
  }

  private static void module(LedgerFilter filter, SearchConditions into) {
    filter
        .module()
        .ifPresent(name -> into.add("c.module = (SELECT id FROM module WHERE name = ?)", name));
  }

  private static void ends(LedgerFilter filter, SearchConditions into) {
    filter.ends().from().ifPresent(from -> into.add("c.not_after >= ?", from.getEpochSecond()));
    filter.ends().to().ifPresent(to -> into.add("c.not_after < ?", to.getEpochSecond()));
  }

  /** Which blocks of the archive may have what is wanted. */
  static SearchConditions blocks(LedgerFilter filter) {
    SearchConditions blocks = new SearchConditions();
    if (filter.revoked()) {
      blocks.add("FALSE");
    }
    if (of(filter) == ISSUED) {
      blocks.add("b.last_serial >= ?", lowestSerial(filter));
      blocks.add("b.first_serial <= ?", highestSerial(filter));
    }
    filter.ends().from().ifPresent(from -> blocks.add("b.last_end >= ?", from.getEpochSecond()));
    filter.ends().to().ifPresent(to -> blocks.add("b.first_end < ?", to.getEpochSecond()));
    return blocks;
  }

  private static byte[] lowestSerial(LedgerFilter filter) {
    byte[] byText = bound(filter, '0', LOWEST);
    byte[] byTime = filter.issued().from().map(Serials::lowest).orElse(LOWEST);
    return Arrays.compareUnsigned(byText, byTime) > 0 ? byText : byTime;
  }

  /** The last one before the end of the time asked for, which is before that moment. */
  private static byte[] highestSerial(LedgerFilter filter) {
    byte[] byText = bound(filter, 'f', HIGHEST);
    byte[] byTime =
        filter.issued().to().map((Instant to) -> Serials.highestBefore(to)).orElse(HIGHEST);
    return Arrays.compareUnsigned(byText, byTime) < 0 ? byText : byTime;
  }

  private static byte[] bound(LedgerFilter filter, char filling, byte[] otherwise) {
    return filter
        .serial()
        .map(text -> text + String.valueOf(filling).repeat(2 * Serials.LENGTH - text.length()))
        .flatMap(Octets::unhex)
        .orElse(otherwise);
  }

  SearchCursor cursor(ResultSet leaf) throws SQLException {
    return cursor(leaf.getLong(1), leaf.getBytes(2), leaf.getLong(11));
  }

  SearchCursor cursor(long id, byte[] serial, long notAfter) {
    return switch (this) {
      case RECORDED -> new SearchCursor.Row(id);
      case ISSUED -> new SearchCursor.Serial(new Blob(serial));
      case ENDING -> new SearchCursor.End(notAfter, id);
    };
  }

  /** Leaves only what comes after that. */
  void after(SearchCursor cursor, SearchConditions way) throws IssuanceException {
    bound(cursor, way, "c.id < ?", "c.serial < ?", "(c.not_after, c.id) > (?, ?)");
  }

  /** Leaves only what comes no later than that. */
  void upTo(SearchCursor cursor, SearchConditions way) throws IssuanceException {
    bound(cursor, way, "c.id >= ?", "c.serial >= ?", "(c.not_after, c.id) <= (?, ?)");
  }

  private void bound(
      SearchCursor cursor, SearchConditions way, String byId, String bySerial, String byEnd)
      throws IssuanceException {
    switch (cursor) {
      case SearchCursor.Row(long id) when this == RECORDED -> way.add(byId, id);
      case SearchCursor.Serial(Blob serial) when this == ISSUED ->
          way.add(bySerial, serial.octets());
      case SearchCursor.End(long notAfter, long id) when this == ENDING ->
          way.add(byEnd, notAfter, id);
      default -> throw new IssuanceException(Reason.REQUEST_INVALID, SearchCursor.NOT_OURS);
    }
  }
}
