package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every change that is complete before a call is in what the call returns, watched or looked
 * through.
 */
class FollowedFolderTest {
  @TempDir Path root;
  private Path folder;
  private FollowedFolder followed;

  @AfterEach
  void close() {
    followed.close();
  }

  @BeforeEach
  void open() throws IOException {
    folder = Files.createDirectory(root.resolve("registrations.d"));
    followed = following(true);
  }

  private FollowedFolder following(boolean inotify) {
    return new FollowedFolder(
        folder,
        Samples.RULES,
        InstantSource.system(),
        new Accounts(new LibcAccountNames(), Duration.ofSeconds(1)),
        inotify);
  }

  private void follow(boolean inotify) {
    followed.close();
    followed = following(inotify);
  }

  private static String module(String name) {
    return "[[module]]\nname = \"" + name + "\"\nselectors = [\"unix:uid:7\"]\n";
  }

  private List<String> names() {
    return followed.current().all().stream().map(Registration::name).toList();
  }

  private List<String> codes() {
    return followed.current().problems().stream().map(RegistrationProblem::code).toList();
  }

  private static void mode(Path file, String mode) throws IOException {
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aFileThatIsWrittenEditedRenamedAndDeletedIsSeenAtTheNextCall(boolean inotify)
      throws IOException {
    follow(inotify);
    assertThat(names()).isEmpty();
    Path file = folder.resolve("a.toml");
    for (int i = 0; i < 50; i++) {
      Files.writeString(file, module("m" + i));
      assertThat(names()).containsExactly("m" + i);
    }
    Files.writeString(file, module("more"), StandardOpenOption.APPEND);
    assertThat(names()).containsExactly("m49", "more");
    Path whole = Files.writeString(root.resolve("new"), module("renamed-in"));
    Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
    assertThat(names()).containsExactly("renamed-in");
    Files.move(file, folder.resolve("b.toml"));
    assertThat(names()).containsExactly("renamed-in");
    Files.move(folder.resolve("b.toml"), root.resolve("away"));
    assertThat(names()).isEmpty();
    Files.createLink(file, root.resolve("away"));
    assertThat(names()).containsExactly("renamed-in");
    Files.delete(file);
    assertThat(names()).isEmpty();
    assertThat(codes()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aFileThatIsHalfWrittenIsNotInForceAndWhatItSaidBeforeIs(boolean inotify) throws IOException {
    follow(inotify);
    Path file = folder.resolve("a.toml");
    try (OutputStream half = Files.newOutputStream(file)) {
      half.write(module("m").getBytes(StandardCharsets.UTF_8));
      assertThat(names()).isEmpty();
      assertThat(codes()).containsExactly("being-written");
      half.write("strict = true\n".getBytes(StandardCharsets.UTF_8));
    }
    assertThat(names()).containsExactly("m");
    assertThat(followed.current().all().getFirst().strict()).isTrue();
    assertThat(codes()).isEmpty();
    try (OutputStream half = Files.newOutputStream(file)) {
      half.write(module("n").getBytes(StandardCharsets.UTF_8));
      follow(inotify);
      assertThat(names()).as("at a start").isEmpty();
    }
    assertThat(names()).containsExactly("n");
    try (OutputStream half = Files.newOutputStream(file, StandardOpenOption.APPEND)) {
      half.write('#');
      mode(file, "rw-r-----");
      assertThat(names()).containsExactly("n");
      assertThat(codes()).containsExactly("being-written");
    }
    assertThat(codes()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aTypoKeepsWhatTheFileSaidBefore(boolean inotify) throws IOException {
    follow(inotify);
    Path file = Files.writeString(folder.resolve("a.toml"), module("good"));
    assertThat(names()).containsExactly("good");
    Files.writeString(file, module("good") + "selektors = []\n");
    assertThat(names()).containsExactly("good");
    assertThat(codes()).containsExactly("unknown-key");
    Files.writeString(file, module("better"));
    assertThat(names()).containsExactly("better");
    assertThat(codes()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aFileThatOthersMayWriteIsNotBelievedFromThatMomentOn(boolean inotify) throws IOException {
    follow(inotify);
    Path file = Files.writeString(folder.resolve("a.toml"), module("good"));
    assertThat(names()).containsExactly("good");
    mode(file, "rw-rw-r--");
    assertThat(codes()).containsExactly("writable-by-others");
    Files.writeString(file, module("evil"));
    assertThat(names()).containsExactly("good");
    mode(file, "rw-r--r--");
    assertThat(names()).containsExactly("evil");
    assertThat(codes()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aFolderPutInThePlaceOfTheOldOneIsFollowedInstead(boolean inotify) throws IOException {
    follow(inotify);
    Files.writeString(folder.resolve("a.toml"), module("old"));
    assertThat(names()).containsExactly("old");
    Files.move(folder, root.resolve("aside"));
    assertThat(names()).isEmpty();
    assertThat(codes()).containsExactly("folder-missing");
    Files.createDirectory(folder);
    assertThat(codes()).isEmpty();
    Files.writeString(folder.resolve("b.toml"), module("new"));
    assertThat(names()).containsExactly("new");
    Files.writeString(root.resolve("aside/c.toml"), module("elsewhere"));
    assertThat(names()).containsExactly("new");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aFolderThatOthersMayWriteGivesNothingNew(boolean inotify) throws IOException {
    follow(inotify);
    Files.writeString(folder.resolve("a.toml"), module("good"));
    assertThat(names()).containsExactly("good");
    mode(folder, "rwxrwxrwx");
    assertThat(codes()).containsExactly("writable-by-others");
    Files.writeString(folder.resolve("b.toml"), module("evil"));
    assertThat(names()).containsExactly("good");
    mode(folder, "rwxr-xr-x");
    assertThat(names()).containsExactly("evil", "good");
  }

  @Test
  void aFileThatAppearsBadGivesNothing() throws IOException {
    Files.writeString(folder.resolve("a.toml"), module("m") + "nmae = 1\n");
    assertThat(names()).isEmpty();
    assertThat(codes()).containsExactly("unknown-key");
    Files.delete(folder.resolve("a.toml"));
    assertThat(codes()).isEmpty();
  }

  @Test
  void onlyRegularFilesOfRootOrOurselvesAreBelieved() throws Exception {
    Path target = Files.writeString(root.resolve("target"), module("linked"));
    Files.createSymbolicLink(folder.resolve("link.toml"), target);
    Files.createDirectory(folder.resolve("folder.toml"));
    assertThat(
            new ProcessBuilder("mkfifo", folder.resolve("pipe.toml").toString()).start().waitFor())
        .isZero();
    Files.writeString(folder.resolve(".hidden.toml"), module("hidden"));
    Files.writeString(folder.resolve("other.txt"), module("other"));
    assertThat(names()).isEmpty();
    assertThat(codes()).containsExactly("not-a-file", "not-a-file", "not-a-file");
  }

  @Test
  void aFileOfAnotherUserIsNotBelieved() throws IOException {
    assumeTrue(Samples.uid() == 0, "needs root to give files away");
    Path file = Files.writeString(folder.resolve("a.toml"), module("m"));
    Files.setAttribute(file, "unix:uid", 65534);
    assertThat(names()).isEmpty();
    assertThat(codes()).containsExactly("wrong-owner");
    Files.setAttribute(file, "unix:uid", 0);
    assertThat(names()).containsExactly("m");
    Files.setAttribute(folder, "unix:uid", 65534);
    assertThat(codes()).containsExactly("wrong-owner");
    Files.writeString(folder.resolve("b.toml"), module("n"));
    assertThat(names()).containsExactly("m");
  }

  @Test
  void aFolderBehindASymbolicLinkIsRefused() throws IOException {
    Path real = Files.createDirectory(root.resolve("real"));
    Files.writeString(real.resolve("a.toml"), module("m"));
    Files.delete(folder);
    Files.createSymbolicLink(folder, real);
    assertThat(names()).isEmpty();
    assertThat(codes()).containsExactly("folder-unreadable");
  }

  @Test
  void aNameBeyondAsciiIsReadAndShownEncoded() throws Exception {
    Process touch =
        new ProcessBuilder(
                "sh",
                "-c",
                "printf 'x = 1' > \"$0\"/$(printf '\\303\\244').toml",
                folder.toString())
            .start();
    assertThat(touch.waitFor()).isZero();
    assertThat(followed.current().problems())
        .singleElement()
        .satisfies(p -> assertThat(p.file()).isEqualTo(folder.resolve("%C3%A4.toml")));
  }

  @Test
  void anOverlargeFileIsNotRead() throws IOException {
    Files.writeString(folder.resolve("a.toml"), "#".repeat(RegistrationFile.LARGEST + 1));
    assertThat(codes()).containsExactly("too-large");
  }

  /** In one read: the kernel shows such a file only at its start. */
  private static int longestQueue() throws IOException {
    byte[] digits = new byte[32];
    try (InputStream file = new FileInputStream("/proc/sys/fs/inotify/max_queued_events")) {
      int length = file.read(digits);
      return Integer.parseInt(new String(digits, 0, length, StandardCharsets.US_ASCII).strip());
    }
  }

  @Test
  void moreChangesThanTheKernelKeepsAreAllSeen() throws IOException {
    assertThat(names()).isEmpty();
    int kept = longestQueue();
    assumeTrue(kept <= 100_000, "the queue is too long to fill");
    Path a = folder.resolve("a.toml");
    Path b = folder.resolve("b.toml");
    Files.writeString(a, module("m"));
    for (int i = 0; i <= kept / 2; i++) {
      Files.move(a, b);
      Files.move(b, a);
    }
    Files.writeString(folder.resolve("c.toml"), module("last"));
    assertThat(names()).containsExactly("last", "m");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aCallThatBeginsAfterAChangeSeesItWhoeverReadsIt(boolean inotify) throws Exception {
    follow(inotify);
    AtomicInteger written = new AtomicInteger();
    AtomicBoolean done = new AtomicBoolean();
    Callable<Integer> reader =
        () -> {
          int calls = 0;
          while (!done.get()) {
            int before = written.get();
            List<String> names = names();
            int seen = names.isEmpty() ? 0 : Integer.parseInt(names.getFirst());
            assertThat(names).hasSizeLessThanOrEqualTo(1);
            assertThat(seen).isGreaterThanOrEqualTo(before);
            calls++;
          }
          return calls;
        };
    try (ExecutorService readers = Executors.newFixedThreadPool(3)) {
      List<Future<Integer>> results =
          List.of(readers.submit(reader), readers.submit(reader), readers.submit(reader));
      try {
        for (int i = 1; i <= 300; i++) {
          Path whole = Files.writeString(root.resolve("new"), module(Integer.toString(i)));
          Files.move(whole, folder.resolve("a.toml"), StandardCopyOption.ATOMIC_MOVE);
          written.set(i);
        }
      } finally {
        done.set(true);
      }
      for (Future<Integer> result : results) {
        assertThat(result.get()).isPositive();
      }
    }
  }

  @Test
  void nothingIsReadAgainWhileNothingChanges() throws IOException {
    Files.writeString(folder.resolve("a.toml"), module("m"));
    RegistrationSet first = followed.current();
    assertThat(followed.current()).isSameAs(first);
  }

  @Test
  void aClosedFolderAnswersNoMore() {
    followed.close();
    followed.close();
    assertThatThrownBy(() -> followed.current()).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aFolderThatComesLaterIsFollowedFromThen() throws IOException {
    Files.delete(folder);
    follow(true);
    assertThat(codes()).containsExactly("folder-missing");
    Files.createDirectory(folder);
    Files.writeString(folder.resolve("a.toml"), module("m"));
    assertThat(names()).containsExactly("m");
    assertThat(codes()).isEmpty();
  }

  @Test
  void aProblemSaysWhatIsInForceInstead() throws IOException {
    Path file = Files.writeString(folder.resolve("a.toml"), "x = 1");
    assertThat(followed.current().problems().getFirst().message())
        .contains("nothing in this file is in force");
    Files.writeString(file, module("m"));
    assertThat(names()).containsExactly("m");
    Files.writeString(file, "x = 1");
    assertThat(followed.current().problems().getFirst().message())
        .contains("what it said before is still in force");
  }
}
