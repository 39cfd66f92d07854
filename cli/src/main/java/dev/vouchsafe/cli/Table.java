package dev.vouchsafe.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/** Columns for people, as wide as their widest text. Control characters become {@code ?}. */
final class Table {
  private static final String GAP = "  ";

  private final List<List<String>> rows = new ArrayList<>();
  private final int columns;

  Table(String... headings) {
    columns = headings.length;
    row(headings);
  }

  void row(String... cells) {
    if (cells.length != columns) {
      throw new IllegalArgumentException("a row has " + columns + " cells");
    }
    List<String> row = new ArrayList<>();
    for (String cell : cells) {
      row.add(cell.replaceAll("\\p{Cntrl}", "?"));
    }
    rows.add(List.copyOf(row));
  }

  void print(PrintStream out) {
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        String cell = row.get(i);
        line.append(cell);
        if (i < columns - 1) {
          line.repeat(' ', widths[i] - cell.length()).append(GAP);
        }
      }
      out.println(line.toString().stripTrailing());
    }
  }
}
