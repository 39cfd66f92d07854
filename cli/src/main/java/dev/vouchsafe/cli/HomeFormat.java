package dev.vouchsafe.cli;

import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** The version of a data folder's layout: another one is left as it is. */
final class HomeFormat {
  private static final long LONGEST = 64;

  private HomeFormat() {}

  /** Throws unless the home is there and of the version that this program reads and writes. */
  static void require(Home home) throws IOException, CommandFailure {
    String found = read(home);
    if (!found.equals(HomeBuilder.FORMAT)) {
      throw CommandFailure.failed(
          home.data()
              + " is of version "
              + Shell.quoted(found)
              + ", this program reads version "
              + HomeBuilder.FORMAT
              + "; start the program that made it (nothing was changed)");
    }
  }

  private static String read(Home home) throws IOException, CommandFailure {
    Path file = home.format();
    try {
      if (Files.size(file) > LONGEST) {
        return "unknown";
      }
      return Files.readString(file, StandardCharsets.UTF_8).strip();
    } catch (MalformedInputException e) {
      return "unknown";
    } catch (NoSuchFileException e) {
      if (Files.isDirectory(home.data())) {
        throw CommandFailure.failed(
            file + " is missing; restore the data folder whole, or start with another home");
      }
      throw CommandFailure.failed(
          home.data()
              + " does not exist; make a home with `vouchsafe init`, or name one with"
              + " --home");
    }
  }
}
