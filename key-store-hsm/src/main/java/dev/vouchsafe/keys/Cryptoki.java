package dev.vouchsafe.keys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The functions of one loaded PKCS#11 library, called through its function table (PKCS#11 v2.40
 * section 3.6) by the foreign function API.
 *
 * <p>Why not by the JDK's own provider for PKCS#11: it finds a key only where a certificate stands
 * beside it; it logs in without looking at the token's flags first, and hides how often; it can't
 * destroy what was made by half; its errors are texts around a code; and it doesn't come back by
 * itself from a lost token. A binding of its own is no faster and no slower.
 *
 * <p>All parameters are passed as 64-bit numbers: CK_ULONG and pointers are that on 64-bit Linux
 * (LP64, natural alignment), and CK_BBOOL by value is passed in a whole register there. So one
 * method handle serves all functions of as many parameters; the linker takes milliseconds for each.
 * What an address points to must outlive the call: that is up to the caller.
 */
final class Cryptoki {
  /** The functions that we call, each with its place in the table. */
  enum Function {
    INITIALIZE("C_Initialize", 0),
    FINALIZE("C_Finalize", 1),
    GET_FUNCTION_LIST("C_GetFunctionList", 3),
    GET_SLOT_LIST("C_GetSlotList", 4),
    GET_TOKEN_INFO("C_GetTokenInfo", 6),
    GET_MECHANISM_INFO("C_GetMechanismInfo", 8),
    OPEN_SESSION("C_OpenSession", 12),
    CLOSE_SESSION("C_CloseSession", 13),
    GET_SESSION_INFO("C_GetSessionInfo", 15),
    LOGIN("C_Login", 18),
    DESTROY_OBJECT("C_DestroyObject", 22),
    GET_ATTRIBUTE_VALUE("C_GetAttributeValue", 24),
    FIND_OBJECTS_INIT("C_FindObjectsInit", 26),
    FIND_OBJECTS("C_FindObjects", 27),
    FIND_OBJECTS_FINAL("C_FindObjectsFinal", 28),
    SIGN_INIT("C_SignInit", 42),
    SIGN("C_Sign", 43),
    GENERATE_KEY("C_GenerateKey", 58),
    GENERATE_KEY_PAIR("C_GenerateKeyPair", 59);

    private final String text;
    private final int place;

    Function(String text, int place) {
      this.text = text;
      this.place = place;
    }

    /** Where it stands in the table. */
    int place() {
      return place;
    }

    /** Its name in the standard. */
    String text() {
      return text;
    }
  }

  private static final int TABLE_FUNCTIONS = 68;
  private static final long FIRST_FUNCTION = Long.BYTES;
  private static final long INITIALIZE_ARGUMENTS = 6 * Long.BYTES;
  private static final long INITIALIZE_FLAGS = 4 * Long.BYTES;
  private static final long OS_LOCKING_OK = 2;

  private static final MethodHandle CALL_1 = shape(1);
  private static final MethodHandle CALL_2 = shape(2);
  private static final MethodHandle CALL_3 = shape(3);
  private static final MethodHandle CALL_4 = shape(4);
  private static final MethodHandle CALL_5 = shape(5);
  private static final MethodHandle CALL_8 = shape(8);

  private final MemorySegment[] functions;

  private Cryptoki(MemorySegment[] functions) {
    this.functions = functions;
  }

  private static MethodHandle shape(int parameters) {
    MemoryLayout[] all = new MemoryLayout[parameters];
    Arrays.fill(all, JAVA_LONG);
    return Linker.nativeLinker().downcallHandle(FunctionDescriptor.of(JAVA_LONG, all));
  }

  /**
   * Loads a library. It is never unloaded: its threads and exit handlers would run into nothing.
   *
   * @throws KeyFault.Failed if it can't be loaded, or is no PKCS#11 library
   */
  static Cryptoki load(Path library) throws KeyFault.Failed {
    SymbolLookup symbols;
    try {
      symbols = SymbolLookup.libraryLookup(library, Arena.global());
    } catch (IllegalArgumentException e) {
      throw new KeyFault.Failed(
          "module-path " + library + " can't be loaded: it is no shared library for this machine",
          e);
    }
    MemorySegment entry =
        symbols
            .find(Function.GET_FUNCTION_LIST.text())
            .orElseThrow(() ->
                new KeyFault.Failed(
                    "module-path "
                        + library
                        + " is no PKCS#11 library: it has no "
                        + Function.GET_FUNCTION_LIST.text()));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ADDRESS);
      long answer = (long) CALL_1.invokeExact(entry, pointer.address());
      MemorySegment table =
          pointer
              .get(ADDRESS, 0)
              .reinterpret(FIRST_FUNCTION + TABLE_FUNCTIONS * ADDRESS.byteSize());
      if (!Ckr.OK.is(answer) || table.address() == 0) {
        throw new KeyFault.Failed(
            "module-path " + library + " gives no function table: " + Ckr.name(answer));
      }
      return of(library, table);
    } catch (KeyFault.Failed | RuntimeException | Error x) {
      throw x;
    } catch (Throwable x) {
      throw cannotCall(Function.GET_FUNCTION_LIST, x);
    }
  }

  private static Cryptoki of(Path library, MemorySegment table) throws KeyFault.Failed {
    int major = table.get(JAVA_BYTE, 0);
    if (major < 2 || major > 3) {
      throw new KeyFault.Failed(
          "module-path " + library + " speaks PKCS#11 version " + major + ", and we speak 2");
    }
    MemorySegment[] functions = new MemorySegment[TABLE_FUNCTIONS];
    for (int place = 0; place < TABLE_FUNCTIONS; place++) {
      functions[place] = table.get(ADDRESS, FIRST_FUNCTION + place * ADDRESS.byteSize());
    }
    return new Cryptoki(functions);
  }

  /**
   * Initializes the library for use by many threads.
   *
   * @return false if somebody else in this process has done it already
   */
  boolean initialize() throws CryptokiException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment arguments = arena.allocate(INITIALIZE_ARGUMENTS, Long.BYTES);
      arguments.set(JAVA_LONG, INITIALIZE_FLAGS, OS_LOCKING_OK);
      call(Function.INITIALIZE, arguments.address());
      return true;
    } catch (CryptokiException e) {
      if (e.is(Ckr.CRYPTOKI_ALREADY_INITIALIZED)) {
        return false;
      }
      throw e;
    }
  }

  void call(Function function, long a) throws CryptokiException {
    try {
      check(function, (long) CALL_1.invokeExact(address(function), a));
    } catch (CryptokiException | RuntimeException | Error x) {
      throw x;
    } catch (Throwable x) {
      throw cannotCall(function, x);
    }
  }

  void call(Function function, long a, long b) throws CryptokiException {
    try {
      check(function, (long) CALL_2.invokeExact(address(function), a, b));
    } catch (CryptokiException | RuntimeException | Error x) {
      throw x;
    } catch (Throwable x) {
      throw cannotCall(function, x);
    }
  }

  void call(Function function, long a, long b, long c) throws CryptokiException {
    try {
      check(function, (long) CALL_3.invokeExact(address(function), a, b, c));
    } catch (CryptokiException | RuntimeException | Error x) {
      throw x;
    } catch (Throwable x) {
      throw cannotCall(function, x);
    }
  }

  void call(Function function, long a, long b, long c, long d) throws CryptokiException {
    try {
      check(function, (long) CALL_4.invokeExact(address(function), a, b, c, d));
    } catch (CryptokiException | RuntimeException | Error x) {
      throw x;
    } catch (Throwable x) {
      throw cannotCall(function, x);
    }
  }

  void call(Function function, long a, long b, long c, long d, long e) throws CryptokiException {
    try {
      check(function, (long) CALL_5.invokeExact(address(function), a, b, c, d, e));
    } catch (CryptokiException | RuntimeException | Error x) {
      throw x;
    } catch (Throwable x) {
      throw cannotCall(function, x);
    }
  }

  void call(Function function, long a, long b, long c, long d, long e, long f, long g, long h)
      throws CryptokiException {
    try {
      check(function, (long) CALL_8.invokeExact(address(function), a, b, c, d, e, f, g, h));
    } catch (CryptokiException | RuntimeException | Error x) {
      throw x;
    } catch (Throwable x) {
      throw cannotCall(function, x);
    }
  }

  private MemorySegment address(Function function) throws CryptokiException {
    MemorySegment address = functions[function.place];
    if (address.address() == 0) {
      throw new CryptokiException(function, Ckr.FUNCTION_NOT_SUPPORTED.code());
    }
    return address;
  }

  private static void check(Function function, long answer) throws CryptokiException {
    if (!Ckr.OK.is(answer)) {
      throw new CryptokiException(function, answer);
    }
  }

  private static LinkageError cannotCall(Function function, Throwable x) {
    return new LinkageError(function.text() + " can't be called", x);
  }
}
