package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Asks systemd's system manager over the system's message bus, with the library that systemd's own
 * programs use ({@code libsystemd.so.0}, sd-bus(3)).
 *
 * <p>A connection for each question: one that is kept would have to be read all the time, since
 * every user of the bus may send to it, and what isn't read fills it. The library is loaded at the
 * first question, so that a machine without systemd needs none.
 */
final class SystemBus {
  static final Path SOCKET = Path.of("/run/dbus/system_bus_socket");

  static final String LIBRARY = "libsystemd.so.0";
  private static final String MANAGER = "org.freedesktop.systemd1";
  private static final String UNITS = "/org/freedesktop/systemd1/unit";

  /** {@code struct sd_bus_error}: name, message, and whether they must be freed. */
  private static final MemoryLayout ERROR =
      MemoryLayout.structLayout(ADDRESS, ADDRESS, JAVA_INT, MemoryLayout.paddingLayout(4));

  private static final long LONGEST_TEXT = 64 * 1024;

  private final Path socket;
  private final Duration limit;
  private @Nullable Library library;

  /**
   * @param socket that of the system's bus
   * @param limit for each call
   */
  SystemBus(Path socket, Duration limit) {
    this.socket = socket;
    this.limit = limit;
  }

  /**
   * What the manager says of a unit.
   *
   * @param name the unit's own name, with its suffix
   * @throws IOException if it can't be asked; its message says why
   */
  UnitFacts unit(String name) throws IOException {
    Library functions = library();
    try (Arena arena = Arena.ofConfined()) {
      Connection connection = new Connection(functions, arena);
      try {
        connection.open(socket, limit);
        return connection.unit(name);
      } finally {
        connection.close();
      }
    }
  }

  /** Whether the library is there; a machine without systemd needs none. */
  static boolean hasLibrary() {
    try (Arena arena = Arena.ofConfined()) {
      return SymbolLookup.libraryLookup(LIBRARY, arena) != null;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private synchronized Library library() throws IOException {
    Library loaded = library;
    if (loaded == null) {
      try {
        loaded = new Library(SymbolLookup.libraryLookup(LIBRARY, Arena.global()));
      } catch (IllegalArgumentException e) {
        throw new IOException(LIBRARY + " can't be loaded; Debian has it in libsystemd0", e);
      }
      library = loaded;
    }
    return loaded;
  }

  /** The functions of the library that are used. */
  private static final class Library {
    private static final FunctionDescriptor OF_BUS = FunctionDescriptor.of(JAVA_INT, ADDRESS);

    final MethodHandle create;
    final MethodHandle setAddress;
    final MethodHandle setClient;
    final MethodHandle start;
    final MethodHandle setTimeout;
    final MethodHandle close;
    final MethodHandle unref;
    final MethodHandle encode;
    final MethodHandle getString;
    final MethodHandle get;
    final MethodHandle readArray;
    final MethodHandle unrefMessage;
    final MethodHandle freeError;
    final MethodHandle free;

    Library(SymbolLookup symbols) throws IOException {
      create = find(symbols, "sd_bus_new", OF_BUS);
      setAddress = find(symbols, "sd_bus_set_address", of(ADDRESS, ADDRESS));
      setClient = find(symbols, "sd_bus_set_bus_client", of(ADDRESS, JAVA_INT));
      start = find(symbols, "sd_bus_start", OF_BUS);
      setTimeout = find(symbols, "sd_bus_set_method_call_timeout", of(ADDRESS, JAVA_LONG));
      close = find(symbols, "sd_bus_close", FunctionDescriptor.ofVoid(ADDRESS));
      unref = find(symbols, "sd_bus_unref", FunctionDescriptor.of(ADDRESS, ADDRESS));
      encode = find(symbols, "sd_bus_path_encode", of(ADDRESS, ADDRESS, ADDRESS));
      getString =
          find(
              symbols,
              "sd_bus_get_property_string",
              of(ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
      get =
          find(
              symbols,
              "sd_bus_get_property",
              of(ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
      readArray =
          find(symbols, "sd_bus_message_read_array", of(ADDRESS, JAVA_BYTE, ADDRESS, ADDRESS));
      unrefMessage = find(symbols, "sd_bus_message_unref", FunctionDescriptor.of(ADDRESS, ADDRESS));
      freeError = find(symbols, "sd_bus_error_free", FunctionDescriptor.ofVoid(ADDRESS));
      free =
          find(Linker.nativeLinker().defaultLookup(), "free", FunctionDescriptor.ofVoid(ADDRESS));
    }

    private static FunctionDescriptor of(MemoryLayout... parameters) {
      return FunctionDescriptor.of(JAVA_INT, parameters);
    }

    private static MethodHandle find(SymbolLookup symbols, String name, FunctionDescriptor shape)
        throws IOException {
      MemorySegment address =
          symbols
              .find(name)
              .orElseThrow(() -> new IOException(LIBRARY + " is too old: it has no " + name));
      return Linker.nativeLinker().downcallHandle(address, shape);
    }
  }

  /** A call of one of the functions, whose handles declare that they throw anything. */
  private interface Call {
    Object run() throws Throwable;
  }

  private static Object call(Call call) {
    try {
      return call.run();
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new LinkageError(LIBRARY + " can't be called", e);
    }
  }

  /** One connection to the bus, used by one thread. */
  private static final class Connection {
    private final Library library;
    private final Arena arena;
    private final MemorySegment result;
    private final MemorySegment error;
    private MemorySegment bus = MemorySegment.NULL;

    Connection(Library library, Arena arena) {
      this.library = library;
      this.arena = arena;
      this.result = arena.allocate(ADDRESS);
      this.error = arena.allocate(ERROR);
    }

    void open(Path socket, Duration limit) throws IOException {
      check("sd_bus_new", call(() -> (int) library.create.invokeExact(result)));
      bus = result.get(ADDRESS, 0);
      MemorySegment address = arena.allocateFrom("unix:path=" + socket);
      check("sd_bus_set_address", call(() -> (int) library.setAddress.invokeExact(bus, address)));
      check("sd_bus_set_bus_client", call(() -> (int) library.setClient.invokeExact(bus, 1)));
      long micros = limit.toNanos() / 1000;
      check(
          "sd_bus_set_method_call_timeout",
          call(() -> (int) library.setTimeout.invokeExact(bus, micros)));
      check("the system bus", call(() -> (int) library.start.invokeExact(bus)));
    }

    UnitFacts unit(String name) throws IOException {
      MemorySegment path = path(name);
      String kind = name.substring(name.lastIndexOf('.') + 1);
      // The property is on the interface of the kind: Service, Scope, Slice.
      String type = Character.toUpperCase(kind.charAt(0)) + kind.substring(1);
      try {
        return new UnitFacts(
            text(path, MANAGER + "." + type, "ControlGroup"),
            HexFormat.of().formatHex(octets(path, MANAGER + ".Unit", "InvocationID")));
      } finally {
        free(path);
      }
    }

    private MemorySegment path(String name) throws IOException {
      MemorySegment prefix = arena.allocateFrom(UNITS);
      MemorySegment unit = arena.allocateFrom(name);
      check(
          "sd_bus_path_encode", call(() -> (int) library.encode.invokeExact(prefix, unit, result)));
      return result.get(ADDRESS, 0);
    }

    private String text(MemorySegment path, String type, String property) throws IOException {
      MemorySegment manager = arena.allocateFrom(MANAGER);
      MemorySegment on = arena.allocateFrom(type);
      MemorySegment named = arena.allocateFrom(property);
      error.fill((byte) 0);
      check(
          property,
          call(() ->
              (int) library.getString.invokeExact(bus, manager, path, on, named, error, result)));
      MemorySegment text = result.get(ADDRESS, 0);
      try {
        return text.reinterpret(LONGEST_TEXT).getString(0);
      } catch (IndexOutOfBoundsException e) {
        throw new IOException("the system manager's answer is too long", e);
      } finally {
        free(text);
      }
    }

    private byte[] octets(MemorySegment path, String type, String property) throws IOException {
      MemorySegment manager = arena.allocateFrom(MANAGER);
      MemorySegment on = arena.allocateFrom(type);
      MemorySegment named = arena.allocateFrom(property);
      MemorySegment array = arena.allocateFrom("ay");
      MemorySegment size = arena.allocate(JAVA_LONG);
      error.fill((byte) 0);
      check(
          property,
          call(() ->
              (int) library.get.invokeExact(bus, manager, path, on, named, error, result, array)));
      MemorySegment message = result.get(ADDRESS, 0);
      try {
        check(
            property,
            call(() -> (int) library.readArray.invokeExact(message, (byte) 'y', result, size)));
        long length = size.get(JAVA_LONG, 0);
        if (length == 0) {
          return new byte[0];
        }
        if (length > LONGEST_TEXT) {
          throw new IOException("the system manager's answer is too long");
        }
        return result.get(ADDRESS, 0).reinterpret(length).toArray(JAVA_BYTE);
      } finally {
        call(() -> (MemorySegment) library.unrefMessage.invokeExact(message));
      }
    }

    /** A negative errno, with the bus's own words for it where there are any. */
    private void check(String what, Object result) throws IOException {
      int errno = -(int) result;
      if (errno <= 0) {
        return;
      }
      MemorySegment name = error.get(ADDRESS, 0);
      String said = "";
      if (!name.equals(MemorySegment.NULL)) {
        said = " (" + Quoted.of(shown(name)) + ")";
        call(() -> {
          library.freeError.invokeExact(error);
          return "";
        });
      }
      throw new IOException(what + ": " + Libc.name(errno) + said);
    }

    private static String shown(MemorySegment text) {
      try {
        return text.reinterpret(LONGEST_TEXT).getString(0, StandardCharsets.UTF_8);
      } catch (IndexOutOfBoundsException e) {
        return "?";
      }
    }

    private void free(MemorySegment memory) {
      call(() -> {
        library.free.invokeExact(memory);
        return "";
      });
    }

    void close() {
      if (bus.equals(MemorySegment.NULL)) {
        return;
      }
      call(() -> {
        library.close.invokeExact(bus);
        return (MemorySegment) library.unref.invokeExact(bus);
      });
    }
  }
}
