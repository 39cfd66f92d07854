package dev.vouchsafe.keys;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Response codes of a TPM and of the layers before it, as tpm2-tools print them to their standard
 * error (TPM 2.0 Library, part 2, section 6.6; TCG TSS 2.0 Overview, section 5).
 */
final class TpmRc {
  /** What a response means for us. */
  enum Kind {
    /** The auth value was refused. */
    AUTH,
    /** Too many wrong auth values were tried: the TPM takes none for a while. */
    LOCKOUT,
    /** A policy isn't satisfied: PCRs have other values. */
    POLICY,
    /** All slots for objects or sessions are taken. */
    MEMORY,
    /** It is busy: the same call may work in a moment. */
    BUSY,
    /** It doesn't load what it is given, or has nothing where that should be. */
    STALE,
    /** What was loaded is of this TPM before it was reset, or of another one. */
    RESET,
    /** The way to the TPM is not there, or it doesn't work. */
    GONE,
    /** It gave no answer in time. */
    HUNG,
    /** A program failed by itself, or was ended: the system may be out of memory. */
    BROKEN,
    /** Another one is in its place, or it was cleared. */
    FOREIGN,
    /** We may not open it. */
    DENIED,
    /** No room for another persistent object. */
    FULL,
    /** There is something at that persistent handle already. */
    TAKEN,
    OTHER
  }

  private static final Pattern CODE = Pattern.compile("\\(0x([0-9A-Fa-f]{1,8})\\)");
  private static final int LONGEST_TEXT = 200;
  private static final int LAYER = 0xff0000;
  private static final int MARSHALLING = 9 << 16;
  private static final int RESOURCE_MANAGER = 11 << 16;
  private static final int RESOURCE_MANAGER_TPM = 12 << 16;
  private static final int FORMAT_ONE = 0x080;
  private static final int FORMAT_ONE_CODE = 0x0bf;

  private TpmRc() {}

  /** The code that a program's standard error names first, which is the cause of the others. */
  static OptionalInt code(String errors) {
    Matcher matcher = CODE.matcher(errors);
    return matcher.find()
        ? OptionalInt.of(Integer.parseUnsignedInt(matcher.group(1), 16))
        : OptionalInt.empty();
  }

  /** What that standard error says. */
  static Kind kind(String errors) {
    if (errors.contains("Permission denied")) {
      return Kind.DENIED;
    }
    if (errors.contains("Could not load tcti")) {
      return Kind.GONE;
    }
    OptionalInt code = code(errors);
    if (code.isEmpty()) {
      return errors.contains("deserializing") ? Kind.OTHER : Kind.BROKEN;
    }
    Kind kind = kind(code.getAsInt());
    return kind == Kind.STALE && errors.contains("Esys_ContextLoad") ? Kind.RESET : kind;
  }

  static Kind kind(int code) {
    return switch (code & LAYER) {
      case 0, RESOURCE_MANAGER, RESOURCE_MANAGER_TPM -> ofTpm(code & ~LAYER);
      // What the programs could not make of their own input, which no TPM has seen.
      case MARSHALLING -> Kind.OTHER;
      default -> Kind.GONE;
    };
  }

  /** Format one tells of the parameter as well, in bits that don't matter here. */
  private static Kind ofTpm(int code) {
    return (code & FORMAT_ONE) != 0 ? ofFormatOne(code & FORMAT_ONE_CODE) : ofFormatZero(code);
  }

  private static Kind ofFormatOne(int code) {
    return switch (code) {
      case 0x08e, 0x0a2 -> Kind.AUTH; // TPM_RC_AUTH_FAIL, TPM_RC_BAD_AUTH
      case 0x09d -> Kind.POLICY; // TPM_RC_POLICY_FAIL
      case 0x08b, 0x09f -> Kind.STALE; // TPM_RC_HANDLE, TPM_RC_INTEGRITY
      default -> Kind.OTHER;
    };
  }

  private static Kind ofFormatZero(int code) {
    return switch (code) {
      case 0x921 -> Kind.LOCKOUT;
      case 0x126, 0x128 -> Kind.POLICY; // TPM_RC_POLICY, TPM_RC_PCR_CHANGED
      case 0x901, 0x902, 0x903, 0x904, 0x905, 0x906 -> Kind.MEMORY;
      case 0x908, 0x909, 0x90a, 0x920, 0x922, 0x923 -> Kind.BUSY;
      case 0x910, 0x911, 0x912, 0x913, 0x914, 0x915, 0x916 -> Kind.RESET; // TPM_RC_REFERENCE_H0..
      case 0x918, 0x919, 0x91a, 0x91b, 0x91c, 0x91d, 0x91e -> Kind.RESET; // TPM_RC_REFERENCE_S0..
      case 0x100, 0x101 -> Kind.GONE; // TPM_RC_INITIALIZE, TPM_RC_FAILURE
      case 0x14b -> Kind.FULL; // TPM_RC_NV_SPACE
      case 0x14c -> Kind.TAKEN; // TPM_RC_NV_DEFINED
      default -> Kind.OTHER;
    };
  }

  /** The first thing that it says, for people: one line, shortened. */
  static String text(byte[] errors) {
    String all = new String(errors, StandardCharsets.UTF_8);
    String code = code(all).stream().mapToObj(TpmRc::named).findFirst().orElse("");
    for (String line : all.split("\n", -1)) {
      if (line.startsWith("ERROR:")) {
        StringBuilder text = new StringBuilder(code);
        line.substring("ERROR:".length())
            .strip()
            .codePoints()
            .limit(LONGEST_TEXT)
            .map(c -> Character.isISOControl(c) ? '?' : c)
            .forEach(text::appendCodePoint);
        return text.toString();
      }
    }
    return code.isEmpty() ? "it says nothing" : code.strip();
  }

  private static String named(int code) {
    return String.format(Locale.ROOT, "response 0x%03x: ", code);
  }
}
