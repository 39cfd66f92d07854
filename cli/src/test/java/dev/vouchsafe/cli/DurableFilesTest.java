package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DurableFilesTest {
  private static final byte[] CONTENT = "content".getBytes(StandardCharsets.UTF_8);

  @TempDir Path folder;

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private long entries() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.count();
    }
  }

  @Test
  void aFileIsReplacedWholeWithTheModeAskedFor() throws IOException {
    Path file = folder.resolve("f");
    DurableFiles.write(file, "old".getBytes(StandardCharsets.UTF_8), "rw-rw-rw-");
    DurableFiles.write(file, CONTENT, "rw-------");
    assertThat(file).hasBinaryContent(CONTENT);
    assertThat(mode(file)).isEqualTo("rw-------");
    assertThat(entries()).isEqualTo(1);
  }

  @Test
  void aWriteThatFailsLeavesTheOldFileAndNoOther() throws IOException {
    Path file = Files.createDirectory(folder.resolve("f"));
    Files.createFile(file.resolve("inside"));
    assertThatThrownBy(() -> DurableFiles.write(file, CONTENT, "rw-------"))
        .isInstanceOf(IOException.class);
    assertThat(file.resolve("inside")).exists();
    assertThat(entries()).isEqualTo(1);
  }

  @Test
  void aNewFileNeverOverwrites() throws IOException {
    Path file = folder.resolve("f");
    DurableFiles.create(file, CONTENT, "rw-r-----");
    assertThat(mode(file)).isEqualTo("rw-r-----");
    assertThatThrownBy(() -> DurableFiles.create(file, CONTENT, "rw-------"))
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void foldersAreMadeWithThoseAboveThem() throws IOException {
    Path deep = folder.resolve("a/b/c");
    DurableFiles.folder(deep, "rwx------");
    assertThat(mode(deep)).isEqualTo("rwx------");
    assertThat(mode(folder.resolve("a"))).isEqualTo("rwxr-xr-x");
    DurableFiles.folder(deep, "rwxr-xr-x");
    assertThat(mode(deep)).isEqualTo("rwx------");
    DurableFiles.syncTree(folder);
  }

  @Test
  void deletingATreeFollowsNoLink() throws IOException {
    Path kept = Files.createDirectory(folder.resolve("kept"));
    Files.createFile(kept.resolve("file"));
    Path tree = Files.createDirectories(folder.resolve("tree/inner"));
    Files.createSymbolicLink(tree.resolve("link"), kept);
    DurableFiles.deleteTree(folder.resolve("tree"));
    assertThat(folder.resolve("tree")).doesNotExist();
    assertThat(kept.resolve("file")).exists();
    DurableFiles.deleteTree(folder.resolve("tree"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), kept);
    DurableFiles.deleteTree(link);
    assertThat(kept.resolve("file")).exists();
    assertThat(Files.isSymbolicLink(link)).isFalse();
  }
}
