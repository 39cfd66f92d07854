package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.util.Optional;

/** Where a page of the ledger ended: the last row that it looked at, or the next of a block. */
sealed interface SearchCursor {
  /** What an administrator hands back to us. */
  String text();

  /** In the order of recording. */
  record Row(long id) implements SearchCursor {
    @Override
    public String text() {
      return number(id);
    }
  }

  /** In the order of serial numbers. */
  record Serial(Blob serial) implements SearchCursor {
    @Override
    public String text() {
      return "s." + Octets.hex(serial.octets());
    }
  }

  /** In the order of ends. */
  record End(long notAfter, long id) implements SearchCursor {
    @Override
    public String text() {
      return "e." + number(notAfter) + "." + number(id);
    }
  }

  /** In the archive. */
  record Block(long id, int passed) implements SearchCursor {
    @Override
    public String text() {
      return "a." + number(id) + "." + number(passed);
    }
  }

  private static String number(long number) {
    return Long.toString(number, Character.MAX_RADIX);
  }

  /**
   * Reads the text of one.
   *
   * @throws IssuanceException {@link Reason#REQUEST_INVALID} if we never gave that
   */
  static SearchCursor parse(String text) throws IssuanceException {
    String[] parts = text.split("\\.", -1);
    try {
      if (parts.length == 1) {
        return new Row(id(parts[0]));
      }
      if (parts.length == 2 && parts[0].equals("s")) {
        Optional<byte[]> serial = Octets.unhex(parts[1]);
        if (serial.isPresent() && serial.get().length == Serials.LENGTH) {
          return new Serial(new Blob(serial.get()));
        }
      }
      if (parts.length == 3 && parts[0].equals("e")) {
        return new End(number(parts[1]), id(parts[2]));
      }
      if (parts.length == 3 && parts[0].equals("a")) {
        return new Block(number(parts[1]), Math.toIntExact(number(parts[2])));
      }
    } catch (NumberFormatException | ArithmeticException e) {
      throw new IssuanceException(Reason.REQUEST_INVALID, NOT_OURS, e);
    }
    throw new IssuanceException(Reason.REQUEST_INVALID, NOT_OURS);
  }

  /** What is said of one that we never gave. */
  String NOT_OURS = "before: not the \"next\" of a page that we gave";

  /** Rows that came back from the archive may have numbers below 0. */
  private static long id(String text) {
    return Long.parseLong(text, Character.MAX_RADIX);
  }

  private static long number(String text) {
    long number = Long.parseLong(text, Character.MAX_RADIX);
    if (number < 0) {
      throw new NumberFormatException("negative");
    }
    return number;
  }
}
