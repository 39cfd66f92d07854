package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where a socket may be put, and how it gets there. */
class SocketFileTest {
  @TempDir private Path folder;

  private static ServerSocketChannel listen(Path path) throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(path));
    return server;
  }

  private static SocketFile prepare(Path path) throws IOException {
    return SocketFile.prepare(path, "admin socket", "rw-rw----");
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private void assertRefused(Path path, String why) throws IOException {
    List<Path> before = all();
    assertThatThrownBy(() -> prepare(path))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("admin socket")
        .hasMessageContaining(path.toString())
        .hasMessageContaining(why);
    assertThat(all()).as("nothing was left or taken away").isEqualTo(before);
  }

  private List<Path> all() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.sorted().toList();
    }
  }

  @Test
  void theSocketIsBoundWhereNobodyElseMayEnterAndThenPutInItsPlace() throws Exception {
    Path run = folder.resolve("run");
    Path path = run.resolve("admin.sock");
    SocketFile file = prepare(path);
    Path den = file.bindAt().resolveSibling("");
    assertThat(mode(den)).isEqualTo("rwx------");
    assertThat(den).hasParent(run);
    try (ServerSocketChannel server = listen(file.bindAt())) {
      assertThat(path).doesNotExist();
      file.publish();
      assertThat(mode(path)).isEqualTo("rw-rw----");
      assertThat(mode(run)).isEqualTo("rwxr-xr-x");
      RawClient.connect(path).close();
      assertThat(server.accept()).isNotNull();
    }
    file.close();
    assertThat(path).doesNotExist();
    assertThat(run).isEmptyDirectory();
  }

  @Test
  void aPathThatDoesNotFitIsRefusedAndOneThatJustFitsIsTaken() throws Exception {
    String base = folder + "/";
    Path fits = Path.of(base + "x".repeat(107 - base.length()));
    try (SocketFile file = prepare(fits);
        ServerSocketChannel server = listen(file.bindAt())) {
      file.publish();
      assertThat(server.isOpen()).isTrue();
      // By a short way: the JDK's own limit is one octet less than the kernel's.
      RawClient.connect(Files.createSymbolicLink(folder.resolve("l"), fits)).close();
      assertRefused(fits, "in use");
    }
    assertRefused(Path.of(fits + "x"), "108 octets");
    assertRefused(Path.of(base + "\u00e4".repeat(50)), "octets");
  }

  @Test
  void aFolderAFileAndALinkAreRefusedAndKept() throws Exception {
    Path directory = Files.createDirectory(folder.resolve("d"));
    assertRefused(directory, "is a folder");
    Path regular = Files.writeString(folder.resolve("f"), "precious");
    assertRefused(regular, "not a socket");
    assertThat(regular).hasContent("precious");
    Path link = Files.createSymbolicLink(folder.resolve("l"), regular);
    assertRefused(link, "not a socket");
    Path dangling = Files.createSymbolicLink(folder.resolve("m"), folder.resolve("none"));
    assertRefused(dangling, "not a socket");
  }

  @Test
  void aSocketInUseIsRefusedAndAStaleOneReplaced() throws Exception {
    Path path = folder.resolve("admin.sock");
    try (ServerSocketChannel server = listen(path)) {
      assertRefused(path, "in use");
      assertThat(server.isOpen()).isTrue();
    }
    assertThat(Files.exists(path, LinkOption.NOFOLLOW_LINKS)).as("it is stale now").isTrue();
    try (SocketFile file = prepare(path);
        ServerSocketChannel server = listen(file.bindAt())) {
      file.publish();
      assertThat(server.isOpen()).isTrue();
      RawClient.connect(path).close();
    }
  }

  @Test
  void aSocketWhoseBacklogIsFullIsInUse() throws Exception {
    Path path = folder.resolve("admin.sock");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path), 1);
      List<SocketChannel> queued = new ArrayList<>();
      boolean full = false;
      while (!full) {
        var client = SocketChannel.open(StandardProtocolFamily.UNIX);
        queued.add(client);
        client.configureBlocking(false);
        try {
          full = !client.connect(UnixDomainSocketAddress.of(path));
        } catch (IOException e) {
          full = true;
        }
      }
      assertRefused(path, "in use");
      for (var client : queued) {
        client.close();
      }
    }
  }

  @Test
  void aFolderThatOthersMayWriteToIsRefusedUnlessTheyCanNotReplaceFiles() throws Exception {
    Path open = Files.createDirectory(folder.resolve("open"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertRefused(open.resolve("admin.sock"), "others may write");
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwx---"));
    assertRefused(open.resolve("admin.sock"), "others may write");
    Files.setAttribute(open, "unix:mode", 01777);
    prepare(open.resolve("admin.sock")).close();
  }

  @Test
  void aFolderThatCanNotBeMadeIsNamed() throws Exception {
    assertRefused(folder.resolve("a/b/admin.sock"), "can't be made");
    Path regular = Files.writeString(folder.resolve("f"), "x");
    assertThatThrownBy(() -> prepare(regular.resolve("admin.sock")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("admin socket")
        .hasMessageContaining("is no folder");
  }

  @Test
  void aSocketThatAnotherPutInOurPlaceIsNotRemoved() throws Exception {
    Path path = folder.resolve("admin.sock");
    SocketFile file = prepare(path);
    try (ServerSocketChannel ours = listen(file.bindAt())) {
      file.publish();
      Files.delete(path);
      try (ServerSocketChannel theirs = listen(path)) {
        file.close();
        assertThat(Files.exists(path, LinkOption.NOFOLLOW_LINKS)).isTrue();
        assertThat(theirs.isOpen()).isTrue();
      }
      assertThat(ours.isOpen()).isTrue();
    }
  }
}
