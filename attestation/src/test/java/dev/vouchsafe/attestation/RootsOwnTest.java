package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Paths that somebody else than root has a hand in, at any step of the way. */
class RootsOwnTest {
  private static final int OTHER = 61_001;

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void make() throws IOException {
    assumeTrue(Samples.uid() == 0, "only root has files of root's");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    file = Files.writeString(folder.resolve("file"), "x");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
  }

  private static @Nullable String doubt(Path path) throws IOException {
    return RootsOwn.doubt(new Scratch(), path.toString(), false);
  }

  private static void giveAway(Path path) throws IOException {
    Files.getFileAttributeView(path, FileOwnerAttributeView.class, LinkOption.NOFOLLOW_LINKS)
        .setOwner(
            path.getFileSystem()
                .getUserPrincipalLookupService()
                .lookupPrincipalByName(Integer.toString(OTHER)));
  }

  @Test
  void aFileOfRootsIsRootsOverLinksOfRootsToo() throws Exception {
    assertThat(doubt(file)).isNull();
    Path inner = Files.createDirectory(folder.resolve("inner"));
    Path relative = Files.createSymbolicLink(inner.resolve("up"), Path.of("../file"));
    Path absolute = Files.createSymbolicLink(folder.resolve("link"), relative);
    assertThat(doubt(absolute)).isNull();
    assertThat(doubt(Path.of(inner + "/../inner/./up"))).isNull();
  }

  @Test
  void aLinkOfAnothersInTheMidstOfAChainIsSeen() throws Exception {
    // Root's link leads to a link of the other's, and that to root's file.
    Path theirs = Files.createSymbolicLink(folder.resolve("theirs"), file);
    giveAway(theirs);
    Path ours = Files.createSymbolicLink(folder.resolve("ours"), theirs);
    assertThat(doubt(theirs)).contains("others than root");
    assertThat(doubt(ours)).contains("others than root");
  }

  @Test
  void aFolderOfAnothersInTheMidstOfAChainIsSeen() throws Exception {
    Path theirs = Files.createDirectory(folder.resolve("their-folder"));
    Path inside = Files.createSymbolicLink(theirs.resolve("link"), file);
    Files.setPosixFilePermissions(theirs, PosixFilePermissions.fromString("rwxrwxrwx"));
    Path ours = Files.createSymbolicLink(folder.resolve("ours"), inside);
    assertThat(doubt(ours)).contains("others than root");
    Path through =
        Files.createSymbolicLink(folder.resolve("through"), Path.of(theirs + "/../file"));
    assertThat(doubt(through)).contains("others than root");
  }

  @Test
  void aFileThatOthersMayWriteIsNotRootsAlone() throws Exception {
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-r--"));
    assertThat(doubt(file)).isNotNull();
    assertThat(RootsOwn.doubt(new Scratch(), file.toString(), true)).isNull();
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--rw-"));
    assertThat(RootsOwn.doubt(new Scratch(), file.toString(), true)).isNotNull();
  }

  @Test
  void whatIsNotThereOrHasNoEndIsAnError() throws Exception {
    assertThatThrownBy(() -> doubt(folder.resolve("nothing"))).isInstanceOf(IOException.class);
    Path round = Files.createSymbolicLink(folder.resolve("round"), Path.of("round"));
    assertThatThrownBy(() -> doubt(round)).isInstanceOf(IOException.class);
    String long4 = "/" + "\u00e4".repeat(3000);
    assertThatThrownBy(() -> RootsOwn.doubt(new Scratch(), long4, false))
        .isInstanceOf(IOException.class);
  }
}
