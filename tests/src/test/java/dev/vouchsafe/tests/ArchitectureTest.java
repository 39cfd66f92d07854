package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The modules know each other only as design and docs/architecture.md say. */
class ArchitectureTest {
  private static final String ROOT = "dev.vouchsafe";
  private static final String BAD = "dev.vouchsafe.tests.bad";
  private static final int SMALL_MODULE = 30;
  private static final List<String> MODULES =
      List.of("keys", "attestation", "trust", "audit", "ca", "api", "cli");

  private static final JavaClasses PROGRAM = importModules(ROOT);
  private static final JavaClasses BAD_PROGRAM = importModules(BAD);

  private static JavaClasses importModules(String root) {
    // Suites of a module, which are on the class path here so that they run in a container too, are
    // no
    // part of the program: they come as test-classes, or in a jar of their own.
    return new ClassFileImporter()
        .withImportOption(location ->
            !location.contains("-tests.jar")
                && !location.contains("/key-store-hsm/target/test-classes/"))
        .importPackages(MODULES.stream().map(module -> root + "." + module).toList());
  }

  static List<HouseArchitecture.Named> rules() {
    return new HouseArchitecture(ROOT).rules();
  }

  static List<HouseArchitecture.Named> rulesForTheBadProgram() {
    return new HouseArchitecture(BAD).rules();
  }

  @ParameterizedTest
  @MethodSource("rules")
  void theProgramKeepsTheRule(HouseArchitecture.Named rule) {
    rule.rule().check(PROGRAM);
  }

  @ParameterizedTest
  @MethodSource("rulesForTheBadProgram")
  void theRuleFindsTheClassThatBreaksIt(HouseArchitecture.Named rule) {
    assertThatThrownBy(() -> rule.rule().check(BAD_PROGRAM))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("Bad");
  }

  @Test
  void everyModuleIsLookedAt() {
    for (String module : MODULES) {
      assertThat(PROGRAM)
          .as(module)
          .anyMatch(type -> type.getPackageName().equals(ROOT + "." + module));
    }
  }

  @Test
  void noMockIsWithinReach() {
    assertThatThrownBy(() -> Class.forName("org.mockito.Mockito"))
        .isInstanceOf(ClassNotFoundException.class);
  }

  /** A face is smaller than what it hides; a small module may show half of its types. */
  @ParameterizedTest
  @ValueSource(strings = {"keys", "attestation", "trust", "audit", "ca", "api", "cli"})
  void theLargerPartOfAModuleIsHidden(String module) {
    List<JavaClass> types =
        PROGRAM.stream()
            .filter(type -> type.isTopLevelClass() && !type.getSimpleName().equals("package-info"))
            .filter(type -> type.getPackageName().equals(ROOT + "." + module))
            .toList();
    List<JavaClass> shown =
        types.stream().filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC)).toList();
    double most = types.size() < SMALL_MODULE ? 0.50 : 0.35;
    assertThat(shown).hasSizeBetween(1, (int) (most * types.size()));
  }
}
