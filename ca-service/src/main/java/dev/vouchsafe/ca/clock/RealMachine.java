package dev.vouchsafe.ca.clock;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The machine that this process runs on. */
final class RealMachine implements Machine {
  /** CLOCK_BOOTTIME as text, seconds with two decimals (proc_uptime(5)): no system call of ours. */
  private static final Path UPTIME = Path.of("/proc/uptime");

  /** {@code struct timex} has 208 octets on every 64-bit Linux; its member status is an int. */
  private static final long TIMEX_OCTETS = 256;

  private static final long TIMEX_STATUS = 40;

  /** adjtimex(2): the clock is not synchronised. */
  private static final int STA_UNSYNC = 0x40;

  private static final int TIME_ERROR = 5;

  private final InstantSource clock;
  private @Nullable MethodHandle adjtimex;
  private boolean refused;

  /**
   * @param clock its clock
   */
  RealMachine(InstantSource clock) {
    this.clock = clock;
  }

  @Override
  public Instant clock() {
    return clock.instant();
  }

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public Optional<Duration> upTime() {
    try {
      String text = Files.readString(UPTIME, StandardCharsets.US_ASCII);
      double seconds = Double.parseDouble(text.substring(0, text.indexOf(' ')));
      return Optional.of(Duration.ofMillis(Math.round(seconds * 1000)));
    } catch (IOException | NumberFormatException | IndexOutOfBoundsException e) {
      return Optional.empty();
    }
  }

  /** Asks adjtimex(2) and changes nothing. A container's seccomp profile may forbid even that. */
  @Override
  public synchronized Synchronised synchronised() {
    if (refused) {
      return Synchronised.UNKNOWN;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment timex = arena.allocate(TIMEX_OCTETS, Long.BYTES);
      int state = (int) adjtimex().invokeExact(timex);
      if (state < 0) {
        refused = true;
        return Synchronised.UNKNOWN;
      }
      boolean off = (timex.get(ValueLayout.JAVA_INT, TIMEX_STATUS) & STA_UNSYNC) != 0;
      return off || state == TIME_ERROR ? Synchronised.NO : Synchronised.YES;
    } catch (Throwable e) {
      throw new IllegalStateException("adjtimex can't be called", e);
    }
  }

  private MethodHandle adjtimex() {
    MethodHandle known = adjtimex;
    if (known == null) {
      Linker linker = Linker.nativeLinker();
      known =
          linker.downcallHandle(
              linker.defaultLookup().findOrThrow("adjtimex"),
              FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
      adjtimex = known;
    }
    return known;
  }
}
