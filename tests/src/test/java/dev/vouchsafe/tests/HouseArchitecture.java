package dev.vouchsafe.tests;

import static com.tngtech.archunit.lang.conditions.ArchPredicates.are;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget.CodeUnitAccessTarget;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The rules of docs/architecture.md that compiled classes can be held against.
 *
 * <p>They are made for a root package, so that the same rules that the program must keep can be
 * shown to be broken by the classes under {@code dev.vouchsafe.tests.bad}.
 */
final class HouseArchitecture {
  /** One module and the modules that it may use. */
  private record Arrows(String from, Set<String> to) {}

  /** Who may know whom. */
  private static final List<Arrows> ARROWS =
      List.of(
          new Arrows("keys", Set.of()),
          new Arrows("attestation", Set.of()),
          new Arrows("trust", Set.of()),
          new Arrows("audit", Set.of()),
          new Arrows("ca", Set.of("keys", "trust")),
          new Arrows("api", Set.of("attestation", "ca", "trust", "audit")),
          new Arrows("cli", Set.of("keys", "attestation", "trust", "audit", "ca", "api")));

  /** Types of libraries that a module keeps to itself. */
  private static final List<String> NEVER_IN_A_PUBLIC_FACE =
      List.of(
          "io.netty.",
          "io.grpc.",
          "org.bouncycastle.",
          "com.nimbusds.",
          "sun.",
          "java.sql.",
          "javax.sql.",
          "org.sqlite.");

  private final String root;

  HouseArchitecture(String root) {
    this.root = root;
  }

  /** A rule and the name that a failed test shows. */
  record Named(String name, ArchRule rule) {
    @Override
    public String toString() {
      return name;
    }
  }

  /** Every rule. */
  List<Named> rules() {
    List<Named> rules = new ArrayList<>();
    ARROWS.stream()
        .filter(arrows -> arrows.to().size() < ARROWS.size() - 1)
        .forEach(arrows -> rules.add(new Named("arrows of " + arrows.from(), rule(arrows))));
    rules.add(new Named("no library type in a public face", noLibraryTypeInPublicFace()));
    // Of attestation it is the HTTP codec only, for what a container engine answers.
    rules.add(
        new Named(
            "Netty stays in api, cli and attestation",
            onlyIn("io.netty..", "api", "cli", "attestation")));
    rules.add(
        new Named(
            "Bouncy Castle stays in ca and keys", onlyIn("org.bouncycastle..", "ca", "keys")));
    rules.add(new Named("Nimbus stays in ca", onlyIn("com.nimbusds..", "ca")));
    rules.add(new Named("JDBC stays in ca", onlyIn("java.sql..", "ca")));
    rules.add(new Named("picocli stays in cli", onlyIn("picocli..", "cli")));
    rules.add(new Named("the clock is injected", clockIsInjected()));
    rules.add(new Named("no mutable static fields", noMutableStatics()));
    return rules;
  }

  private String in(String module) {
    return root + "." + module + "..";
  }

  private ArchRule rule(Arrows arrows) {
    String[] others =
        ARROWS.stream()
            .map(Arrows::from)
            .filter(other -> !other.equals(arrows.from()) && !arrows.to().contains(other))
            .map(this::in)
            .toArray(String[]::new);
    return noClasses()
        .that()
        .resideInAPackage(in(arrows.from()))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(others)
        .because("the arrows of docs/architecture.md point one way");
  }

  private ArchRule onlyIn(String library, String... modules) {
    return noClasses()
        .that(
            are(
                DescribedPredicate.describe(
                    "outside of " + String.join(", ", modules),
                    type -> Stream.of(modules).noneMatch(module -> isIn(type, module)))))
        .should()
        .dependOnClassesThat()
        .resideInAPackage(library);
  }

  private boolean isIn(JavaClass type, String module) {
    String folder = root + "." + module;
    return type.getPackageName().equals(folder) || type.getPackageName().startsWith(folder + ".");
  }

  private ArchRule noLibraryTypeInPublicFace() {
    return classes()
        .that()
        .arePublic()
        .and(
            DescribedPredicate.describe(
                "not part of the command line",
                type -> !isIn(type, "cli") && type.getPackageName().startsWith(root)))
        .should(
            new ArchCondition<>("show no type of a library that it hides") {
              @Override
              public void check(JavaClass type, ConditionEvents events) {
                for (String shown : shownBy(type)) {
                  events.add(SimpleConditionEvent.violated(type, shown));
                }
              }
            });
  }

  private static List<String> shownBy(JavaClass type) {
    List<String> shown = new ArrayList<>();
    Stream.concat(type.getRawSuperclass().stream(), type.getRawInterfaces().stream())
        .filter(HouseArchitecture::hidden)
        .forEach(parent -> shown.add(type.getName() + " is a " + parent.getName()));
    for (JavaMember member : type.getMembers()) {
      if (isShown(member)) {
        Stream.concat(member.getAllInvolvedRawTypes().stream(), thrownBy(member))
            .filter(HouseArchitecture::hidden)
            .forEach(seen -> shown.add(member.getFullName() + " shows " + seen.getName()));
      }
    }
    return shown;
  }

  private static boolean isShown(JavaMember member) {
    return member.getModifiers().contains(JavaModifier.PUBLIC)
        || member.getModifiers().contains(JavaModifier.PROTECTED);
  }

  private static Stream<JavaClass> thrownBy(JavaMember member) {
    return member instanceof JavaCodeUnit unit
        ? unit.getExceptionTypes().stream()
        : Stream.<JavaClass>empty();
  }

  private static boolean hidden(JavaClass type) {
    String name = type.getBaseComponentType().getName();
    return NEVER_IN_A_PUBLIC_FACE.stream().anyMatch(name::startsWith);
  }

  /** One class of the command line wires the daemon and asks the machine for the time. */
  private ArchRule clockIsInjected() {
    return classes()
        .should(
            new ArchCondition<>("not ask the machine for the time") {
              private final Set<String> wiring = new TreeSet<>();

              @Override
              public void check(JavaClass type, ConditionEvents events) {
                List<String> asked =
                    Stream.concat(
                            type.getCodeUnitCallsFromSelf().stream()
                                .filter(call -> readsTheClock(call.getTarget()))
                                .map(call -> call.getDescription()),
                            type.getCodeUnitReferencesFromSelf().stream()
                                .filter(reference -> readsTheClock(reference.getTarget()))
                                .map(reference -> reference.getDescription()))
                        .collect(Collectors.toList());
                if (asked.isEmpty()) {
                  return;
                }
                if (isIn(type, "cli")) {
                  wiring.add(outermost(type));
                  if (wiring.size() == 1) {
                    return;
                  }
                }
                asked.forEach(
                    text -> events.add(SimpleConditionEvent.violated(type, text + " " + wiring)));
              }
            });
  }

  private static String outermost(JavaClass type) {
    String name = type.getName();
    int inner = name.indexOf('$');
    return inner < 0 ? name : name.substring(0, inner);
  }

  private static boolean readsTheClock(CodeUnitAccessTarget target) {
    String owner = target.getOwner().getName();
    String name = target.getName();
    if (owner.startsWith("java.time.")) {
      return (name.equals("now") && takesNoClock(target))
          || (owner.equals("java.time.Clock") && !name.equals("fixed") && isStaticClock(name))
          || (owner.equals("java.time.InstantSource") && name.equals("system"));
    }
    return (owner.equals("java.lang.System") && name.equals("currentTimeMillis"))
        || (owner.equals(Date.class.getName())
            && name.equals("<init>")
            && target.getRawParameterTypes().isEmpty());
  }

  private static boolean takesNoClock(CodeUnitAccessTarget target) {
    return target.getRawParameterTypes().stream()
        .noneMatch(type -> type.getName().equals("java.time.Clock"));
  }

  private static boolean isStaticClock(String name) {
    return name.startsWith("system") || name.startsWith("tick");
  }

  private ArchRule noMutableStatics() {
    return fields()
        .that()
        .areStatic()
        .and(
            DescribedPredicate.describe(
                "written by a person",
                (JavaField field) ->
                    !field.getModifiers().contains(JavaModifier.SYNTHETIC)
                        && !field.getName().startsWith("$")))
        .should(
            new ArchCondition<>("hold a value that never changes") {
              @Override
              public void check(JavaField field, ConditionEvents events) {
                if (!field.getModifiers().contains(JavaModifier.FINAL) || canChange(field)) {
                  events.add(SimpleConditionEvent.violated(field, field.getFullName()));
                }
              }
            });
  }

  /** By its type: the JDK's containers of changing state, and arrays that others can reach. */
  private static boolean canChange(JavaField field) {
    JavaClass type = field.getRawType();
    String name = type.getName();
    return (type.isArray() && !field.getModifiers().contains(JavaModifier.PRIVATE))
        || name.startsWith("java.util.concurrent.atomic.")
        || name.startsWith("java.util.concurrent.Concurrent")
        || name.startsWith("java.util.concurrent.locks.")
        || name.startsWith("com.github.benmanes.caffeine.cache.")
        || Set.of(
                "java.lang.ThreadLocal",
                "java.lang.StringBuilder",
                "java.util.HashMap",
                "java.util.ArrayList",
                "java.util.HashSet",
                "java.security.MessageDigest")
            .contains(name);
  }
}
