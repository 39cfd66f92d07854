package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Two files that claim the same name, and what each said before. */
class FolderStateTest {
  private final FolderState state = new FolderState(List.of());

  private void file(String name, String... modules) {
    List<Registration> registrations =
        List.of(modules).stream().map(m -> Samples.registration(m, "unix:uid:7")).toList();
    state.put(name, new RegistrationFile(Path.of(name), registrations, List.of()));
    state.settle();
  }

  private void bad(String name) {
    state.put(name, RegistrationFile.bad(Path.of(name), "syntax", "bad"));
    state.settle();
  }

  private List<String> inForce() {
    return state.inForce().stream().map(Registration::name).sorted().toList();
  }

  private List<String> problems() {
    return state.problems().stream().map(p -> p.file() + " " + p.code()).toList();
  }

  @Test
  void ofTwoNewFilesThatClaimOneNameNeitherIsTaken() {
    state.put(
        "a",
        new RegistrationFile(
            Path.of("a"), List.of(Samples.registration("x", "unix:uid:7")), List.of()));
    file("b", "x", "z");
    assertThat(inForce()).isEmpty();
    assertThat(problems()).containsExactly("a duplicate-name", "b duplicate-name");
    assertThat(state.problems().getFirst().message()).contains("also claimed in b");
  }

  @Test
  void aNewcomerThatClaimsATakenNameChangesNothing() {
    file("a", "x");
    file("b", "y");
    file("b", "x");
    assertThat(inForce()).containsExactly("x", "y");
    assertThat(problems()).containsExactly("a duplicate-name", "b duplicate-name");
    state.remove("b");
    state.settle();
    assertThat(inForce()).containsExactly("x");
    assertThat(problems()).isEmpty();
  }

  @Test
  void theSameSpiffePathIsAClashAsWell() {
    file("a", "x");
    file("b", "$x");
    assertThat(inForce()).containsExactly("x");
    assertThat(problems()).containsExactly("a duplicate-spiffe", "b duplicate-spiffe");
  }

  @Test
  void whatABadFileSaidBeforeYieldsToAGoodFile() {
    file("a", "x", "y");
    bad("a");
    assertThat(inForce()).containsExactly("x", "y");
    file("b", "x");
    assertThat(inForce()).containsExactly("x", "y");
    assertThat(state.inForce().stream().filter(r -> r.name().equals("x"))).hasSize(1);
    bad("b");
    assertThat(inForce()).containsExactly("x", "y");
    state.remove("b");
    state.settle();
    // It belonged to b last.
    assertThat(inForce()).containsExactly("y");
  }

  @Test
  void aRegistrationWithoutASpiffePathClashesWithNobody() {
    file("a", "x y");
    file("b", "x z");
    assertThat(inForce()).containsExactly("x y", "x z");
    assertThat(state.inForce().getFirst().spiffePath()).isEqualTo(Optional.empty());
  }
}
