package dev.vouchsafe.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Somebody else put something where the log is to be. */
class FolderTest {
  @TempDir Path home;
  private TestLog log;

  @BeforeEach
  void name() {
    log = new TestLog(home);
  }

  private void assertNotOpened(String why) {
    assertThatThrownBy(() -> log.open()).isInstanceOf(IOException.class).hasMessageContaining(why);
  }

  @Test
  void theFolderAndItsFilesAreForTheirOwnerOnly() throws Exception {
    log.write(1);
    assertThat(mode(log.folder)).isEqualTo("rwx------");
    assertThat(mode(log.only())).isEqualTo("rw-------");
    assertThat(mode(log.folder.resolve(AuditKeys.FILE))).isEqualTo("rw-r--r--");
    assertThat(AuditKeys.read(log.folder.resolve(AuditKeys.FILE))).isEqualTo(log.key.key());
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void aLinkInPlaceOfTheFolderIsNotFollowed(@TempDir Path other) throws Exception {
    Files.createSymbolicLink(log.folder, other);
    assertNotOpened("is not a folder");
    assertThat(other).isEmptyDirectory();
  }

  @Test
  void aLinkThatLeadsNowhereIsNotFollowed() throws Exception {
    Files.createSymbolicLink(log.folder, home.resolve("nowhere"));
    assertNotOpened("is not a folder");
  }

  @Test
  void aFolderThatOthersCanWriteIsNotUsed() throws Exception {
    log.write(1);
    for (String mode : new String[] {"rwxrwx---", "rwx---rwx", "rwx----w-"}) {
      Files.setPosixFilePermissions(log.folder, PosixFilePermissions.fromString(mode));
      assertNotOpened("can be written by others");
    }
    Files.setPosixFilePermissions(log.folder, PosixFilePermissions.fromString("rwxr-x---"));
    log.open().close();
  }

  @Test
  void aFolderOfAnotherUserIsNotUsed() throws Exception {
    log.write(1);
    try {
      Files.setAttribute(log.folder, "unix:uid", 4242);
    } catch (IOException e) {
      assumeTrue(false, "giving a folder away takes root");
    }
    assertNotOpened("belongs to user 4242");
  }

  @Test
  void aLinkInPlaceOfAFileIsNeitherReadNorWritten() throws Exception {
    log.write(1);
    byte[] content = Files.readAllBytes(log.only());
    Path elsewhere = Files.write(home.resolve("elsewhere"), content);
    Path file = log.only();
    Files.delete(file);
    Files.createSymbolicLink(file, elsewhere);
    assertNotOpened("not a regular file");
    assertThat(elsewhere).hasBinaryContent(content);
    assertThatThrownBy(() -> log.verify())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("not a regular file");
  }

  @Test
  void aPipeADeviceOrAFolderInPlaceOfAFileHoldsNobodyUp() throws Exception {
    log.write(1);
    Path file = log.only();
    Files.delete(file);
    Process made = new ProcessBuilder("mkfifo", file.toString()).inheritIO().start();
    assertThat(made.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertNotOpened("not a regular file");
    assertThatThrownBy(() -> log.verify()).hasMessageContaining("not a regular file");
    Files.delete(file);
    Files.createDirectory(file);
    assertNotOpened("not a regular file");
    Files.delete(file);
    Files.createSymbolicLink(file, Path.of("/dev/zero"));
    assertNotOpened("not a regular file");
    assertThatThrownBy(() -> log.entries()).hasMessageContaining("not a regular file");
  }

  /** The public key's file is made anew, beside it and renamed: a link there leads nowhere. */
  @Test
  void aLinkInPlaceOfTheKeysFileIsReplacedAndNotFollowed() throws Exception {
    Path victim = Files.writeString(home.resolve("victim"), "precious");
    Files.createDirectory(
        log.folder,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    for (String name : new String[] {AuditKeys.FILE, "." + AuditKeys.FILE + ".new"}) {
      Files.createSymbolicLink(log.folder.resolve(name), victim);
    }
    log.write(1);
    assertThat(victim).hasContent("precious");
    assertThat(Files.isRegularFile(log.folder.resolve(AuditKeys.FILE), LinkOption.NOFOLLOW_LINKS))
        .isTrue();
  }

  @Test
  void namesThatAreNoneOfOursAreLeftAlone() throws Exception {
    log.write(1);
    for (String name :
        new String[] {
          "9999999999999999999.jsonl", "9223372036854775808.jsonl", "x.jsonl", "1.jsonl", ".jsonl"
        }) {
      Files.writeString(log.folder.resolve(name), "x\n");
    }
    assertThat(log.verify().good()).isTrue();
    log.open().close();
    assertThat(log.verify().good()).isTrue();
    assertThat(log.folder.resolve("9999999999999999999.jsonl")).hasContent("x\n");
  }

  /** The last number there can be must not make the next one negative. */
  @Test
  void aFileNamedAfterAHugeNumberIsFoundAndNotGoneOnWith() throws Exception {
    log.write(1);
    Files.writeString(log.folder.resolve("8999999999999999999.jsonl"), "x\n");
    assertThat(log.verify().sound()).isFalse();
    log.open().close();
    assertThat(log.verify().sound()).isFalse();
  }

  /** Whoever removes the file that is being written loses what was in it, not what comes. */
  @Test
  void aFileThatIsRemovedWhileItIsWrittenIsLeftForANewOne() throws Exception {
    try (LogWriter writer = log.open()) {
      log.append(writer, TestLog.decision("m", AuditEvent.Outcome.ISSUED));
      String _ = writer.checkpoint();
      Files.delete(log.only());
      String _ = writer.checkpoint();
      log.append(writer, TestLog.decision("seen", AuditEvent.Outcome.ISSUED));
      String _ = writer.checkpoint();
    }
    assertThat(log.entries()).anyMatch(entry -> entry.json().contains("seen"));
    assertThat(log.verify().findings())
        .extracting(AuditReport.Finding::kind)
        .contains(AuditReport.Kind.BEGINNING_MISSING);
  }
}
