package dev.vouchsafe.ca;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the tables of a ledger that may be damaged: each row by row from its beginning, and, where
 * that can't go on, from its end. Never by an index, which may be damaged while the rows are not.
 */
final class LedgerSalvage {
  /** Takes one row; what goes wrong with it there is no damage of what was read. */
  interface Taker {
    void take(Row row) throws SQLException;
  }

  /** One row, in the order of the columns that were asked for. */
  record Row(List<@Nullable Object> values) {
    long number(int column) {
      return values.get(column) instanceof Number number ? number.longValue() : -1;
    }

    String text(int column) {
      return values.get(column) instanceof String text ? text : "";
    }

    Optional<byte[]> octets(int column) {
      return values.get(column) instanceof byte[] octets ? Optional.of(octets) : Optional.empty();
    }
  }

  /**
   * How going through a table ended.
   *
   * @param last the row that was read last
   * @param rows how many were read
   * @param why what kept it from coming to the end, if something did
   */
  private record Ended(long last, long rows, Optional<SQLException> why) {}

  private static final int TO_THE_END = 0;

  private final Connection home;
  private final List<String> told = new ArrayList<>();

  LedgerSalvage(Connection home) {
    this.home = home;
  }

  /** What could not be read, for people. */
  List<String> told() {
    return List.copyOf(told);
  }

  /** Every row of a table that can be read, each once; none if there is no such table. */
  void each(String table, List<String> columns, Taker taker) throws SQLException {
    try {
      if (!LedgerComparison.hasTable(home, table)) {
        return;
      }
    } catch (SQLException e) {
      tell(table, 0, e);
      return;
    }
    String query =
        "SELECT rowid, " + String.join(", ", columns) + " FROM " + table + " NOT INDEXED";
    Ended up = pass(query + " ORDER BY rowid", columns.size(), TO_THE_END, taker);
    if (up.why().isPresent()) {
      Ended down = pass(query + " ORDER BY rowid DESC", columns.size(), up.last(), taker);
      tell(table, up.rows() + down.rows(), up.why().get());
    }
  }

  private Ended pass(String query, int columns, long downTo, Taker taker) throws SQLException {
    long last = downTo;
    long count = 0;
    try (PreparedStatement statement = home.prepareStatement(query);
        ResultSet rows = statement.executeQuery()) {
      while (true) {
        Row row;
        try {
          if (!rows.next() || (downTo > 0 && rows.getLong(1) <= downTo)) {
            return new Ended(last, count, Optional.empty());
          }
          row = row(rows, columns);
          last = rows.getLong(1);
        } catch (SQLException e) {
          return new Ended(last, count, Optional.of(e));
        }
        count++;
        try {
          taker.take(row);
        } catch (SQLException e) {
          throw new NotTaken(e);
        }
      }
    } catch (NotTaken e) {
      throw e.failure();
    } catch (SQLException e) {
      return new Ended(last, count, Optional.of(e));
    }
  }

  /** Whoever took the row failed: no damage of what is read. */
  private static final class NotTaken extends SQLException {
    private static final long serialVersionUID = 1L;
    private final transient SQLException failure;

    NotTaken(SQLException failure) {
      super(failure);
      this.failure = failure;
    }

    SQLException failure() {
      return failure;
    }
  }

  private static Row row(ResultSet rows, int columns) throws SQLException {
    List<@Nullable Object> values = new ArrayList<>(columns);
    for (int i = 0; i < columns; i++) {
      values.add(rows.getObject(i + 2));
    }
    return new Row(values);
  }

  private void tell(String table, long read, SQLException why) {
    told.add(
        "the present ledger is damaged: of its table "
            + table
            + " "
            + read
            + " rows could be read, and nobody knows how many not ("
            + why.getMessage()
            + ")");
  }
}
