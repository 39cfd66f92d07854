package dev.vouchsafe.keys;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How far a TPM is from locking itself, since wrong auth values were tried (TPM 2.0 Library, part
 * 1, section 19.8, dictionary attack protection).
 *
 * @param locked whether it is
 * @param failures wrong values that count now
 * @param most with so many it locks
 */
record TpmLockout(boolean locked, long failures, long most) {
  private static final Pattern LOCKED = Pattern.compile("(?m)^\\s*inLockout:\\s+1\\s*$");

  static TpmLockout read(TpmTurn turn) throws KeyFault, TpmException {
    return parse(turn.run(TpmCall.of("tpm2_getcap", "properties-variable")));
  }

  /** What tpm2_getcap prints; what it doesn't tell is taken for the best. */
  static TpmLockout parse(byte[] printed) {
    String text = new String(printed, StandardCharsets.US_ASCII);
    return new TpmLockout(
        LOCKED.matcher(text).find(),
        number(text, "TPM2_PT_LOCKOUT_COUNTER", 0),
        number(text, "TPM2_PT_MAX_AUTH_FAIL", Long.MAX_VALUE));
  }

  private static long number(String text, String name, long otherwise) {
    Matcher matcher =
        Pattern.compile("(?m)^" + name + ":\\s+0x([0-9A-Fa-f]{1,8})\\s*$").matcher(text);
    return matcher.find() ? HexFormat.fromHexDigitsToLong(matcher.group(1)) : otherwise;
  }

  /**
   * An auth value that may be wrong is not tried if it may be the last one.
   *
   * @throws TpmException if it is locked, or the next wrong value would lock it
   */
  void check() throws TpmException {
    if (locked) {
      throw new TpmException(TpmRc.Kind.LOCKOUT, failures + " wrong ones were tried");
    }
    if (failures > 0 && failures + 1 >= most) {
      throw new TpmException(
          TpmRc.Kind.LOCKOUT,
          "one more wrong value would lock it, after "
              + failures
              + ": none is tried until some are forgotten");
    }
  }
}
