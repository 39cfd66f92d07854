package dev.vouchsafe.ca;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Conditions of a query, with the values of their question marks. */
final class SearchConditions {
  private final List<String> texts = new ArrayList<>();
  private final List<Object> values = new ArrayList<>();

  /**
   * @param condition a constant of this program, never what somebody asked for
   */
  SearchConditions add(String condition, Object... its) {
    texts.add(condition);
    Collections.addAll(values, its);
    return this;
  }

  void add(SearchConditions others) {
    texts.addAll(others.texts);
    values.addAll(others.values);
  }

  boolean isEmpty() {
    return texts.isEmpty();
  }

  String where() {
    return texts.isEmpty() ? "" : "WHERE " + String.join(" AND ", texts);
  }

  /** Sets their values, and returns the number of the first question mark after them. */
  int bind(PreparedStatement statement, int first) throws SQLException {
    int parameter = first;
    for (Object value : values) {
      if (value instanceof byte[] octets) {
        statement.setBytes(parameter++, octets);
      } else {
        statement.setObject(parameter++, value);
      }
    }
    return parameter;
  }
}
