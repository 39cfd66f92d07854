package dev.vouchsafe.tests;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A program that writes files with and without syncing them, one case in each folder, and then
 * waits to be killed. {@link PowerCutTest} says what must be left.
 */
public final class Deeds {
  private static final int LARGE = 3 << 20;

  private final Path root;

  private Deeds(Path root) {
    this.root = root;
  }

  /** Does everything below the folder given, says so, and waits. */
  public static void main(String[] arguments) throws IOException {
    Deeds deeds = new Deeds(Path.of(arguments[0]));
    deeds.contents();
    deeds.names();
    deeds.largeFile();
    deeds.otherWaysToWrite();
    deeds.wholeFolder();
    System.out.println("done");
    System.in.read();
  }

  private Path folder(String name) throws IOException {
    Path folder = Files.createDirectory(root.resolve(name));
    sync(root);
    return folder;
  }

  private static void sync(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void write(Path file, String text) throws IOException {
    Files.writeString(file, text);
  }

  private void contents() throws IOException {
    Path folder = folder("contents");
    write(folder.resolve("synced"), "all");
    sync(folder.resolve("synced"));
    write(folder.resolve("never-synced"), "gone");
    write(folder.resolve("changed-after"), "first");
    sync(folder.resolve("changed-after"));
    write(folder.resolve("changed-after"), "second");
    sync(folder);
    write(folder.resolve("name-not-synced"), "all");
    sync(folder.resolve("name-not-synced"));
    write(root.resolve("there-before"), "changed");
  }

  private void names() throws IOException {
    Path folder = folder("names");
    for (String name : new String[] {"old", "replaced", "removed", "removed-synced"}) {
      write(folder.resolve(name), "of " + name);
      sync(folder.resolve(name));
    }
    Files.delete(folder.resolve("removed-synced"));
    sync(folder);
    Files.move(folder.resolve("old"), folder.resolve("new"));
    write(folder.resolve("next"), "of next");
    sync(folder.resolve("next"));
    Files.move(
        folder.resolve("next"), folder.resolve("replaced"), StandardCopyOption.REPLACE_EXISTING);
    Files.delete(folder.resolve("removed"));
    Files.createDirectory(folder.resolve("inner"));

    Path synced = folder("names-synced");
    write(synced.resolve("old"), "text");
    sync(synced.resolve("old"));
    Files.move(synced.resolve("old"), synced.resolve("new"));
    Files.createDirectory(synced.resolve("inner"));
    sync(synced);
  }

  /** The last deed, since every other one syncs the root. */
  private void wholeFolder() throws IOException {
    Path whole = folder("whole.new");
    write(whole.resolve("file"), "text");
    sync(whole.resolve("file"));
    sync(whole);
    Files.move(whole, root.resolve("whole"));
  }

  /** Large enough not to be copied whole at each sync. */
  private void largeFile() throws IOException {
    Path folder = folder("large");
    try (FileChannel channel =
        FileChannel.open(
            folder.resolve("file"), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap("a".repeat(LARGE).getBytes(StandardCharsets.US_ASCII)), 0);
      channel.force(false);
      channel.write(ByteBuffer.wrap(ascii("kept")), 100);
      channel.position(LARGE - 10);
      channel.write(new ByteBuffer[] {ByteBuffer.wrap(ascii("end")), ByteBuffer.wrap(ascii("!"))});
      channel.force(false);
      channel.write(ByteBuffer.wrap(ascii("lost")), 200);
      channel.truncate(LARGE / 2);
    }
    sync(folder);
  }

  private void otherWaysToWrite() throws IOException {
    Path folder = folder("other");
    try (FileChannel channel =
        FileChannel.open(
            folder.resolve("each-write-synced"),
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.DSYNC)) {
      channel.write(ByteBuffer.wrap(ascii("kept")));
    }
    try (FileChannel from =
            FileChannel.open(folder.resolve("each-write-synced"), StandardOpenOption.READ);
        FileChannel to =
            FileChannel.open(
                folder.resolve("copied"),
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.WRITE)) {
      from.transferTo(0, 4, to);
      to.force(true);
    }
    sync(folder);
    syncByForeignCall(folder("foreign"));
  }

  /**
   * By the JDK's foreign function interface, which finds libc without the dynamic linker's help.
   */
  private static void syncByForeignCall(Path folder) throws IOException {
    write(folder.resolve("name"), "");
    Linker linker = Linker.nativeLinker();
    MethodHandle open =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("open"),
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
            Linker.Option.firstVariadicArg(2));
    MethodHandle fsync =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("fsync"),
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      int descriptor = (int) open.invokeExact(arena.allocateFrom(folder.toString()), 0);
      if ((int) fsync.invokeExact(descriptor) != 0) {
        throw new IOException("fsync of " + folder);
      }
      write(folder.resolve("by-number"), "");
      MethodHandle syscall =
          linker.downcallHandle(
              linker.defaultLookup().findOrThrow("syscall"),
              FunctionDescriptor.of(
                  ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG),
              Linker.Option.firstVariadicArg(1));
      boolean arm = System.getProperty("os.arch").equals("aarch64");
      if ((long) syscall.invokeExact(arm ? 82L : 74L, (long) descriptor) != 0) {
        throw new IOException("fsync of " + folder + " by number");
      }
      write(folder.resolve("too-late"), "");
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IOException(e);
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
