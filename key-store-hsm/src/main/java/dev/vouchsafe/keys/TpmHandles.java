package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Handles of objects in a TPM, and the range of persistent ones that we take ours from. It lies in
 * the owner's part (TPM 2.0 Library, part 2, section 7.5), away from its beginning, where the TCG
 * registry has the storage and endorsement keys.
 */
final class TpmHandles {
  static final int FIRST = 0x81_75_66_00;
  static final int LAST = 0x81_75_66_ff;

  private static final Pattern LINE = Pattern.compile("(?m)^- 0x([0-9A-Fa-f]{1,8})$");

  private TpmHandles() {}

  /** What tpm2_getcap lists. */
  static List<Integer> parse(byte[] printed) {
    List<Integer> handles = new ArrayList<>();
    Matcher matcher = LINE.matcher(new String(printed, StandardCharsets.US_ASCII));
    while (matcher.find()) {
      handles.add(HexFormat.fromHexDigits(matcher.group(1)));
    }
    return handles;
  }

  /** A handle of our range that is not taken. */
  static OptionalInt free(Collection<Integer> taken) {
    for (int handle = FIRST; handle <= LAST; handle++) {
      if (!taken.contains(handle)) {
        return OptionalInt.of(handle);
      }
    }
    return OptionalInt.empty();
  }

  /** One that a file names. */
  static int checked(int handle, boolean persistent) throws MalformedException {
    if (persistent ? handle < FIRST || handle > LAST : handle != 0) {
      throw new MalformedException("its handle is none of ours");
    }
    return handle;
  }

  static String text(int handle) {
    return "0x" + HexFormat.of().toHexDigits(handle);
  }
}
