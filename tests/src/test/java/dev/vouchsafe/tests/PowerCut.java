package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A power cut for one folder tree: a preload library keeps what a process synced below it, and
 * {@link #cut} puts that in the tree's place once the process was killed. What is durable and what
 * is not stands at the head of {@code forget_unsynced.c}.
 */
final class PowerCut {
  private static final PosixFilePermission[] BITS = {
    PosixFilePermission.OTHERS_EXECUTE,
    PosixFilePermission.OTHERS_WRITE,
    PosixFilePermission.OTHERS_READ,
    PosixFilePermission.GROUP_EXECUTE,
    PosixFilePermission.GROUP_WRITE,
    PosixFilePermission.GROUP_READ,
    PosixFilePermission.OWNER_EXECUTE,
    PosixFilePermission.OWNER_WRITE,
    PosixFilePermission.OWNER_READ
  };

  private final Path root;
  private final Path shadow;
  private final Path library;

  /**
   * @param root the folder tree, which exists
   * @param shadow a folder beside it, which this makes
   */
  PowerCut(Path root, Path shadow) throws IOException, InterruptedException {
    this.root = root.toRealPath();
    this.shadow = Files.createDirectories(shadow).toRealPath();
    this.library = Programs.compile("forget_unsynced", "-O2", "-shared", "-fPIC");
  }

  /** The environment of the one process that is to lose what it doesn't sync. */
  Map<String, String> environment() {
    return Map.of(
        "LD_PRELOAD", library.toString(),
        "FORGET_UNSYNCED_ROOT", root.toString(),
        "FORGET_UNSYNCED_SHADOW", shadow.toString());
  }

  /** Whether a process has written below the root since the last cut. */
  boolean sawWrites() {
    return Files.exists(shadow.resolve("owner"));
  }

  /**
   * Leaves in the tree only what was durable. The process must be dead. A tree that nobody wrote to
   * stays as it is.
   */
  void cut() throws IOException {
    if (!sawWrites()) {
      return;
    }
    List<String> owner = Files.readAllLines(shadow.resolve("owner"));
    assertThat(owner).as("the process was killed before it had kept the tree as it was").hasSize(2);
    emptyFolder(root);
    restore(root, owner.get(1));
    emptyFolder(shadow);
  }

  private void restore(Path folder, String inode) throws IOException {
    Path names = shadow.resolve("folders").resolve(inode);
    if (!Files.exists(names)) {
      return;
    }
    for (String line : Files.readAllLines(names)) {
      List<String> parts = List.of(line.split(" ", -1));
      String name = new String(HexFormat.of().parseHex(parts.get(5)), StandardCharsets.UTF_8);
      Path target = folder.resolve(name);
      if (parts.get(0).equals("d")) {
        Files.createDirectory(target);
        restore(target, parts.get(1));
      } else {
        Files.copy(shadow.resolve("files").resolve(parts.get(1)), target);
      }
      setOwner(target, Integer.parseInt(parts.get(3)), Integer.parseInt(parts.get(4)));
      Files.setPosixFilePermissions(target, permissions(Integer.parseInt(parts.get(2), 8)));
    }
  }

  private static void setOwner(Path target, int uid, int gid) throws IOException {
    if (!Files.getAttribute(target, "unix:uid").equals(uid)) {
      Files.setAttribute(target, "unix:uid", uid);
    }
    if (!Files.getAttribute(target, "unix:gid").equals(gid)) {
      Files.setAttribute(target, "unix:gid", gid);
    }
  }

  private static Set<PosixFilePermission> permissions(int mode) {
    Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
    for (int bit = 0; bit < BITS.length; bit++) {
      if ((mode & (1 << bit)) != 0) {
        permissions.add(BITS[bit]);
      }
    }
    return permissions;
  }

  private static void emptyFolder(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(
              Path inner, java.io.@org.jspecify.annotations.Nullable IOException e)
              throws IOException {
            if (!inner.equals(folder)) {
              Files.delete(inner);
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
