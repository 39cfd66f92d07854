package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Registrations that are there without a file. */
class BuiltInTest {
  private static final Registration DEVICE = Samples.registration("device", "unix:uid:7");
  private static final RegistrationRules RULES =
      new RegistrationRules(Set.of("identity"), List.of(DEVICE));

  @TempDir Path root;
  private Path folder;
  private Registrations registrations;

  @BeforeEach
  void follow() throws IOException {
    folder = root.resolve("registrations.d");
    Files.createDirectory(folder);
    registrations = RegistrationFolder.follow(folder, RULES, InstantSource.system());
  }

  @AfterEach
  void close() {
    registrations.close();
  }

  private RegistrationSet now() {
    return registrations.current();
  }

  private Path write(String file, String module, String more) throws IOException {
    return Files.writeString(
        folder.resolve(file),
        "[[module]]\nname = \"" + module + "\"\nselectors = [\"unix:uid:8\"]\n" + more);
  }

  private static List<String> names(List<Registration> registrations) {
    return registrations.stream().map(Registration::name).toList();
  }

  private List<String> codes() {
    return now().problems().stream().map(RegistrationProblem::code).toList();
  }

  @Test
  void itIsPartOfTheSetAndMeasuredOnlyWhenNamed() throws Exception {
    RegistrationFolder.add(folder, RULES, Samples.registration("mine", "unix:uid:7"));

    assertThat(names(now().all())).containsExactly("device", "mine");
    assertThat(now().byName("device")).hasValue(DEVICE);
    assertThat(now().isBuiltIn("device")).isTrue();
    assertThat(now().isBuiltIn("mine")).isFalse();
    assertThat(names(now().candidates(7))).containsExactly("mine");
    assertThat(RegistrationFolder.read(folder, RULES).byName("device")).hasValue(DEVICE);
  }

  @Test
  void aFileOfItsNameTakesItsPlaceForAsLongAsItIsThere() throws Exception {
    Registration other = Samples.registration("device", "unix:uid:9");
    Path file = RegistrationFolder.add(folder, RULES, other);

    assertThat(now().all()).containsExactly(other);
    assertThat(now().isBuiltIn("device")).isFalse();
    assertThat(names(now().candidates(9))).containsExactly("device");
    assertThat(codes()).isEmpty();
    assertThatThrownBy(() -> RegistrationFolder.add(folder, RULES, other))
        .satisfies(e -> assertThat(code(e)).isEqualTo("duplicate-name"));
    assertThat(RegistrationFolder.remove(folder, RULES, "device")).isEqualTo(file);
    assertThat(now().all()).containsExactly(DEVICE);
  }

  @Test
  void itCanNotBeRemovedAndSaysWhy() {
    assertThatThrownBy(() -> RegistrationFolder.remove(folder, RULES, "device"))
        .hasMessageContaining("built in")
        .satisfies(e -> assertThat(code(e)).isEqualTo("built-in"));
    assertThatThrownBy(() -> RegistrationFolder.remove(folder, RULES, "devices"))
        .satisfies(e -> assertThat(code(e)).isEqualTo("unknown-module"));
  }

  @Test
  void aBrokenFileOfItsNameDoesNotBringItBack() throws Exception {
    Path file = write("device.toml", "device", "");
    assertThat(now().byName("device").orElseThrow().selectors())
        .containsExactly(Samples.selector("unix:uid:8"));
    write("device.toml", "device", "nonsense = 1\n");
    assertThat(now().byName("device").orElseThrow().selectors())
        .as("what it said before")
        .containsExactly(Samples.selector("unix:uid:8"));
    assertThat(names(RegistrationFolder.read(folder, RULES).all()))
        .as("what it said before is not known after a restart")
        .isEmpty();
    Files.delete(file);
    assertThat(now().all()).containsExactly(DEVICE);
    Files.setPosixFilePermissions(
        write("device.toml", "device", ""), PosixFilePermissions.fromString("rw-rw-rw-"));
    assertThat(names(now().all())).isEmpty();
    assertThat(codes()).containsExactly("writable-by-others");
  }

  @Test
  void aFolderThatCanNotBeBelievedMayHoldOne() throws Exception {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThat(RegistrationFolder.read(folder, RULES).all()).isEmpty();
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    assertThat(RegistrationFolder.read(folder, RULES).all()).containsExactly(DEVICE);
    assertThat(RegistrationFolder.read(root.resolve("none"), RULES).all()).containsExactly(DEVICE);
  }

  @Test
  void itsSpiffePathIsNobodyElses() throws Exception {
    write("a.toml", "a", "spiffe = \"device\"\n");
    assertThat(names(now().all())).containsExactly("device");
    assertThat(codes()).containsExactly("duplicate-spiffe");
    assertThat(now().problems().getFirst().message()).contains("built-in registration");
    assertThatThrownBy(() ->
            RegistrationFolder.add(folder, RULES, Samples.registration("$device", "unix:uid:8")))
        .satisfies(e -> assertThat(code(e)).isEqualTo("duplicate-spiffe"));
    write("b.toml", "device", "spiffe = \"gateway\"\n");
    assertThat(names(now().all())).as("now that path is free").containsExactly("a", "device");
    assertThat(codes()).isEmpty();
    Files.delete(folder.resolve("b.toml"));
    assertThat(now().all()).as("and now it isn't any more").containsExactly(DEVICE);
    assertThat(codes()).containsExactly("duplicate-spiffe");
  }

  @Test
  void twoFilesThatClaimItsNameGiveNobodyIt() throws Exception {
    write("a.toml", "device", "");
    Files.writeString(root.resolve("b"), Files.readString(folder.resolve("a.toml")));
    Files.delete(folder.resolve("a.toml"));
    assertThat(names(now().all())).containsExactly("device");
    Files.copy(root.resolve("b"), folder.resolve("a.toml"));
    Files.copy(root.resolve("b"), folder.resolve("b.toml"));
    assertThat(names(RegistrationFolder.read(folder, RULES).all())).isEmpty();
  }

  private static String code(Throwable e) {
    return ((RegistrationException) e).code();
  }
}
