package dev.vouchsafe.keys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * The environment of this process as libraries in it see it (setenv(3)); what Java shows, and child
 * processes get, is a copy that was made at start and stays as it is.
 *
 * <p>setenv(3) is not safe beside a getenv(3) in another thread. It is called only when a helper
 * process of PKCS#11 is first used by a store, which for the stores of a service is while it
 * starts; a store that is added later takes that risk once.
 */
final class ProcessEnvironment {
  private static final MethodHandle SET =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("setenv"),
              FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));

  private static final MethodHandle UNSET =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("unsetenv"),
              FunctionDescriptor.of(JAVA_INT, ADDRESS));

  private ProcessEnvironment() {}

  /** Sets it, or removes it if there is no value. */
  static void set(String name, @Nullable String value) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocateFrom(name);
      int failed =
          value == null
              ? (int) UNSET.invokeExact(key)
              : (int) SET.invokeExact(key, arena.allocateFrom(value), 1);
      if (failed != 0) {
        throw new IllegalStateException("the environment variable " + name + " can't be set");
      }
    } catch (RuntimeException | Error x) {
      throw x;
    } catch (Throwable x) {
      throw new LinkageError("setenv can't be called", x);
    }
  }
}
