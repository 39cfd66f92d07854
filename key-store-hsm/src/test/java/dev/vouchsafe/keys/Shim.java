package dev.vouchsafe.keys;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.vouchsafe.keys.Cryptoki.Function;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Arrays;

/** A PKCS#11 library in front of SoftHSM2 that does what a test tells it: {@code pkcs11_shim.c}. */
final class Shim {
  private final Path library;
  private final MethodHandle answer;
  private final MethodHandle calls;
  private final MethodHandle hold;
  private final MethodHandle waiting;
  private final MethodHandle flags;
  private final MethodHandle lie;
  private final MethodHandle sessions;
  private final MethodHandle rename;
  private final MethodHandle logout;
  private final MethodHandle finish;
  private final MethodHandle reset;

  private Shim(Path library) {
    this.library = library;
    SymbolLookup symbols = SymbolLookup.libraryLookup(library, Arena.global());
    this.answer = function(symbols, "shim_answer", 4);
    this.calls = function(symbols, "shim_calls", 1);
    this.hold = function(symbols, "shim_hold", 2);
    this.waiting = function(symbols, "shim_waiting", 0);
    this.flags = function(symbols, "shim_flags", 2);
    this.lie = function(symbols, "shim_lie", 2);
    this.rename = function(symbols, "shim_rename", 1);
    this.sessions = function(symbols, "shim_sessions", 1);
    this.logout = function(symbols, "shim_logout", 0);
    this.finish = function(symbols, "shim_finalize", 0);
    this.reset = function(symbols, "shim_reset", 0);
  }

  /** Compiled into a folder: each folder has one with a state of its own. */
  static Shim in(Path folder) throws IOException, InterruptedException {
    return new Shim(
        CProgram.compile(
            "pkcs11_shim",
            folder.resolve("pkcs11_shim.so"),
            "-shared",
            "-fPIC",
            "-DREAL=\"" + SoftHsm.library() + "\""));
  }

  private static MethodHandle function(SymbolLookup symbols, String name, int parameters) {
    MemoryLayout[] all = new MemoryLayout[parameters];
    Arrays.fill(all, JAVA_LONG);
    return Linker.nativeLinker()
        .downcallHandle(symbols.findOrThrow(name), FunctionDescriptor.of(JAVA_LONG, all));
  }

  Path library() {
    return library;
  }

  /** After so many calls that pass, so many are answered with this code. */
  void answer(Function function, long code, long skip, long times) {
    call(answer, function.place(), code, skip, times);
  }

  /** Every call from now on is answered with this code. */
  void answer(Function function, Ckr code) {
    answer(function, code.code(), 0, Long.MAX_VALUE);
  }

  /** The next call is answered with this code. */
  void answerOnce(Function function, Ckr code) {
    answer(function, code.code(), 0, 1);
  }

  /** Calls pass again. */
  void pass(Function function) {
    answer(function, 0, 0, 0);
  }

  /** How often it was called since the last reset. */
  long calls(Function function) {
    return call(calls, function.place());
  }

  /** Holds all calls up. */
  void hold(Function function) {
    call(hold, function.place(), 1L);
  }

  void release(Function function) {
    call(hold, function.place(), 0L);
  }

  /** Waits until so many calls are held up. */
  void awaitHeld(int count) {
    while (call(waiting) < count) {
      Thread.onSpinWait();
    }
  }

  /** What the token says of itself, beside the truth. */
  void flags(long set, long cleared) {
    call(flags, set, cleared);
  }

  /** What the token says of an attribute that is true or false. */
  void lie(long attribute, boolean value) {
    call(lie, attribute, value ? 1L : 0L);
  }

  /** What the token says it is called; its own name again if that is empty. */
  void rename(String label) {
    try (Arena arena = Arena.ofConfined()) {
      call(rename, arena.allocateFrom(label).address());
    }
  }

  /** How many sessions the token allows. */
  void sessions(long most) {
    call(sessions, most);
  }

  /** Logs the user out behind the store's back; a signature must have been made. */
  void logout() {
    if (call(logout) != Ckr.OK.code()) {
      throw new IllegalStateException("the token can't be logged out");
    }
  }

  /** Finalizes the library behind the store's back. */
  void finish() {
    if (call(finish) != Ckr.OK.code()) {
      throw new IllegalStateException("the library can't be finalized");
    }
  }

  /** Calls of all functions since the last reset. */
  long calls() {
    return Arrays.stream(Function.values()).mapToLong(this::calls).sum();
  }

  void reset() {
    call(reset);
  }

  private static long call(MethodHandle handle, Object... arguments) {
    try {
      return (long) handle.invokeWithArguments(arguments);
    } catch (RuntimeException | Error x) {
      throw x;
    } catch (Throwable x) {
      throw new LinkageError("the shim can't be called", x);
    }
  }
}
