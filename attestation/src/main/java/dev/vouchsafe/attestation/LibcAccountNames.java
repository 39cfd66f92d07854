package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.OptionalLong;

/** The accounts as the C library resolves them ({@code nsswitch.conf}). */
final class LibcAccountNames implements AccountNames {
  private static final FunctionDescriptor SHAPE =
      FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
  private static final MethodHandle GETPWNAM = Libc.function("getpwnam_r", SHAPE);
  private static final MethodHandle GETGRNAM = Libc.function("getgrnam_r", SHAPE);

  /** {@code pw_uid} and {@code gr_gid} stand at the same place. */
  private static final long ID_OFFSET = 16;

  private static final long STRUCT_BYTES = 64;
  private static final long FIRST_BUFFER = 4096;

  /** A group with very many members needs a large one. */
  private static final long LAST_BUFFER = 16 * 1024 * 1024;

  @Override
  public OptionalLong id(Kind kind, String name) throws IOException {
    Scratch scratch = new Scratch();
    for (long size = FIRST_BUFFER; size <= LAST_BUFFER; size *= 4) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment account = arena.allocate(STRUCT_BYTES, 8);
        MemorySegment found = arena.allocate(ADDRESS);
        int result =
            call(kind, scratch, arena.allocateFrom(name), account, arena.allocate(size), found);
        if (result == 0) {
          return found.get(ADDRESS, 0).equals(MemorySegment.NULL)
              ? OptionalLong.empty()
              : OptionalLong.of(Integer.toUnsignedLong(account.get(JAVA_INT, ID_OFFSET)));
        }
        if (result != Libc.ERANGE) {
          throw new SystemCallException("getpwnam_r", result);
        }
      }
    }
    throw new SystemCallException("getpwnam_r", Libc.ERANGE);
  }

  private static int call(
      Kind kind,
      Scratch s,
      MemorySegment name,
      MemorySegment account,
      MemorySegment room,
      MemorySegment found) {
    MethodHandle function = kind == Kind.USER ? GETPWNAM : GETGRNAM;
    try {
      return (int) function.invokeExact(s.errno, name, account, room, room.byteSize(), found);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new LinkageError("getpwnam_r can't be called", e);
    }
  }
}
