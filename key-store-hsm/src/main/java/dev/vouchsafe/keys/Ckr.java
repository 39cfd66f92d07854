package dev.vouchsafe.keys;

import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a PKCS#11 function answers (PKCS#11 v2.40 section 5.1), and the one place that says what
 * follows from it.
 */
enum Ckr {
  OK(0x0, Kind.PERMANENT),
  CANCEL(0x1, Kind.PERMANENT),
  HOST_MEMORY(0x2, Kind.DEVICE),
  SLOT_ID_INVALID(0x3, Kind.DEVICE),
  GENERAL_ERROR(0x5, Kind.DEVICE),
  FUNCTION_FAILED(0x6, Kind.DEVICE),
  ARGUMENTS_BAD(0x7, Kind.PERMANENT),
  NEED_TO_CREATE_THREADS(0x9, Kind.PERMANENT),
  CANT_LOCK(0xA, Kind.PERMANENT),
  ATTRIBUTE_READ_ONLY(0x10, Kind.PERMANENT),
  ATTRIBUTE_SENSITIVE(0x11, Kind.PERMANENT),
  ATTRIBUTE_TYPE_INVALID(0x12, Kind.PERMANENT),
  ATTRIBUTE_VALUE_INVALID(0x13, Kind.PERMANENT),
  ACTION_PROHIBITED(0x1B, Kind.PERMANENT),
  DATA_INVALID(0x20, Kind.PERMANENT),
  DATA_LEN_RANGE(0x21, Kind.PERMANENT),
  DEVICE_ERROR(0x30, Kind.DEVICE),
  DEVICE_MEMORY(0x31, Kind.DEVICE),
  DEVICE_REMOVED(0x32, Kind.DEVICE),
  FUNCTION_CANCELED(0x50, Kind.DEVICE),
  FUNCTION_NOT_SUPPORTED(0x54, Kind.PERMANENT),
  KEY_HANDLE_INVALID(0x60, Kind.SESSION),
  KEY_SIZE_RANGE(0x62, Kind.PERMANENT),
  KEY_TYPE_INCONSISTENT(0x63, Kind.PERMANENT),
  KEY_FUNCTION_NOT_PERMITTED(0x68, Kind.PERMANENT),
  MECHANISM_INVALID(0x70, Kind.PERMANENT),
  MECHANISM_PARAM_INVALID(0x71, Kind.PERMANENT),
  OBJECT_HANDLE_INVALID(0x82, Kind.SESSION),
  OPERATION_ACTIVE(0x90, Kind.SESSION),
  OPERATION_NOT_INITIALIZED(0x91, Kind.SESSION),
  PIN_INCORRECT(0xA0, Kind.PIN),
  PIN_INVALID(0xA1, Kind.PIN),
  PIN_LEN_RANGE(0xA2, Kind.PIN),
  PIN_EXPIRED(0xA3, Kind.PIN),
  PIN_LOCKED(0xA4, Kind.PIN),
  SESSION_CLOSED(0xB0, Kind.SESSION),
  SESSION_COUNT(0xB1, Kind.BUSY),
  SESSION_HANDLE_INVALID(0xB3, Kind.SESSION),
  SESSION_PARALLEL_NOT_SUPPORTED(0xB4, Kind.PERMANENT),
  SESSION_READ_ONLY(0xB5, Kind.PERMANENT),
  SESSION_READ_WRITE_SO_EXISTS(0xB8, Kind.BUSY),
  TEMPLATE_INCOMPLETE(0xD0, Kind.PERMANENT),
  TEMPLATE_INCONSISTENT(0xD1, Kind.PERMANENT),
  TOKEN_NOT_PRESENT(0xE0, Kind.DEVICE),
  TOKEN_NOT_RECOGNIZED(0xE1, Kind.DEVICE),
  TOKEN_WRITE_PROTECTED(0xE2, Kind.PERMANENT),
  USER_ALREADY_LOGGED_IN(0x100, Kind.PERMANENT),
  USER_NOT_LOGGED_IN(0x101, Kind.LOGIN),
  USER_PIN_NOT_INITIALIZED(0x102, Kind.PIN),
  USER_TYPE_INVALID(0x103, Kind.PERMANENT),
  USER_ANOTHER_ALREADY_LOGGED_IN(0x104, Kind.BUSY),
  USER_TOO_MANY_TYPES(0x105, Kind.BUSY),
  DOMAIN_PARAMS_INVALID(0x130, Kind.PERMANENT),
  BUFFER_TOO_SMALL(0x150, Kind.PERMANENT),
  CRYPTOKI_NOT_INITIALIZED(0x190, Kind.DEVICE),
  CRYPTOKI_ALREADY_INITIALIZED(0x191, Kind.PERMANENT),
  FUNCTION_REJECTED(0x200, Kind.PERMANENT);

  /** What follows from an answer. */
  enum Kind {
    /** A session, or what was known in it, is gone: unavailable, and opened anew. */
    SESSION,
    /** The token or the library's way to it is gone: unavailable, and opened anew. */
    DEVICE,
    /** The token has logged us out: unavailable, and opened anew with one login. */
    LOGIN,
    /** The token is there and has no room for one more caller just now: unavailable. */
    BUSY,
    /** The PIN isn't taken: failed, and that PIN is not tried a second time. */
    PIN,
    /** The same call would fail again: failed. */
    PERMANENT;

    /** Whether the connection is of no use any more. */
    boolean isLost() {
      return this == SESSION || this == DEVICE || this == LOGIN;
    }
  }

  private static final Map<Long, Ckr> BY_CODE =
      Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(Ckr::code, Function.identity()));

  private final long code;
  private final Kind kind;

  Ckr(long code, Kind kind) {
    this.code = code;
    this.kind = kind;
  }

  long code() {
    return code;
  }

  boolean is(long answer) {
    return code == answer;
  }

  /**
   * The codes that we don't know are mostly those that vendors define for a lost connection. To
   * open anew is harmless then, since it is rare and a refused PIN isn't tried again.
   */
  static Kind kind(long code) {
    Ckr known = BY_CODE.get(code);
    return known == null ? Kind.DEVICE : known.kind;
  }

  /** Its name in the standard, or its number. */
  static String name(long code) {
    @Nullable Ckr known = BY_CODE.get(code);
    return known == null ? "0x" + Long.toHexString(code) : "CKR_" + known.name();
  }
}
