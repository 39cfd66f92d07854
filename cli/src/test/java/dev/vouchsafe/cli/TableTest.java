package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class TableTest {
  private static String print(Table table) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    table.print(new PrintStream(out, true, StandardCharsets.UTF_8));
    return out.toString(StandardCharsets.UTF_8);
  }

  @Test
  void columnsAreAsWideAsTheirWidestTextAndLinesEndWithoutSpaces() {
    Table table = new Table("A", "BB", "C");
    table.row("long", "", "");
    table.row("x", "y", "z");
    assertThat(print(table)).isEqualTo("A     BB  C\nlong\nx     y   z\n");
  }

  @Test
  void aTextCannotBreakOutOfItsCell() {
    Table table = new Table("A");
    table.row("x\n\u001b[2Jy");
    assertThat(print(table)).isEqualTo("A\nx??[2Jy\n");
  }

  @Test
  void everyRowHasEveryColumn() {
    assertThatThrownBy(() -> new Table("A", "B").row("x"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
