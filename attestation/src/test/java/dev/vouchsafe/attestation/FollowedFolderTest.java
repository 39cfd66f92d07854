package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
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
}
