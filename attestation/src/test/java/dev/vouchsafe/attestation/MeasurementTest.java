package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What follows for a registration from what was found of each of its selectors. */
class MeasurementTest {
  private static final String HOLDS = "h";
  private static final String FAILS = "f";
  private static final String UNKNOWN = "u";
  private static final String UNDECIDABLE = "n";

  /** What is found of each selector, and which ones were asked for. */
  private final Map<String, String> world = new HashMap<>();

  private final List<String> asked = new ArrayList<>();
  private @Nullable Doubt host;
  private int hostAsked;

  private Finding check(Selector selector) {
    asked.add(selector.text());
    return switch (world.getOrDefault(selector.text(), HOLDS)) {
      case HOLDS -> Finding.of(true, "so");
      case FAILS -> Finding.of(false, "not so");
      case UNDECIDABLE -> Finding.undecidable("nobody ever knows");
      default -> Finding.unavailable("measurement-timeout", "who knows");
    };
  }

  private Measurement measurement(Registration registration) {
    asked.clear();
    return new Measurement(
        this::check,
        unit -> {
          hostAsked++;
          return host;
        },
        registration);
  }

  private String verdict(Registration registration) {
    Doubt doubt = measurement(registration).run(null);
    return doubt == null ? HOLDS : doubt.definite() ? FAILS : UNKNOWN;
  }

  @Test
  void everyRegistrationAndEveryFindingGiveWhatThreeValuedLogicSays() {
    Random random = new Random(5);
    List<String> kinds =
        List.of("unix:gid:", "unix:uid:", "systemd:unit:a", "container:name:n", "unix:sha256:");
    for (int round = 0; round < 20_000; round++) {
      world.clear();
      List<String> base = some(random, kinds, 3);
      List<List<String>> any = new ArrayList<>();
      for (int i = random.nextInt(4); i > 0; i--) {
        List<String> list = some(random, kinds, 2);
        if (!list.isEmpty()) {
          any.add(list);
        }
      }
      List<String> not = some(random, kinds, 2);
      boolean container =
          base.stream().anyMatch(s -> s.startsWith("container:"))
              || any.stream().flatMap(List::stream).anyMatch(s -> s.startsWith("container:"));
      if (container && mixed(base, any, not)) {
        // Such a file is refused; what becomes of it here is another test's.
        continue;
      }
      assertThat(verdict(Samples.registration(base, any, not)))
          .as(base + " any " + any + " not " + not + " in " + world)
          .isEqualTo(logic(base, any, not));
    }
  }

  private static boolean mixed(List<String> base, List<List<String>> any, List<String> not) {
    List<String> all = new ArrayList<>(base);
    any.forEach(all::addAll);
    all.addAll(not);
    return all.stream().anyMatch(s -> s.startsWith("unix:sha256:"));
  }

  private List<String> some(Random random, List<String> kinds, int most) {
    List<String> some = new ArrayList<>();
    for (int i = random.nextInt(most + 1); i > 0; i--) {
      String kind = kinds.get(random.nextInt(kinds.size()));
      int number = random.nextInt(10);
      String text =
          switch (kind) {
            case "unix:sha256:" -> kind + Integer.toString(number).repeat(64);
            case "systemd:unit:a" -> kind + number + ".service";
            default -> kind + number;
          };
      some.add(text);
      world.computeIfAbsent(
          text,
          _ -> List.of(HOLDS, HOLDS, HOLDS, FAILS, UNKNOWN, UNDECIDABLE).get(random.nextInt(6)));
    }
    return some;
  }

  private String logic(List<String> base, List<List<String>> any, List<String> not) {
    String all = and(base.stream().map(world::get).toList());
    String alternatives =
        any.isEmpty()
            ? HOLDS
            : or(any.stream().map(a -> and(a.stream().map(world::get).toList())).toList());
    String none = and(not.stream().map(world::get).map(MeasurementTest::opposite).toList());
    return and(List.of(all, alternatives, none));
  }

  private static String opposite(String value) {
    return switch (value) {
      case HOLDS, UNDECIDABLE -> FAILS;
      case FAILS -> HOLDS;
      default -> UNKNOWN;
    };
  }

  private static String and(List<String> values) {
    return values.contains(FAILS) || values.contains(UNDECIDABLE)
        ? FAILS
        : values.contains(UNKNOWN) ? UNKNOWN : HOLDS;
  }

  private static String or(List<String> values) {
    return values.contains(HOLDS) ? HOLDS : values.contains(UNKNOWN) ? UNKNOWN : FAILS;
  }

  @Test
  void nobodyOutsideIsAskedAboutAStranger() {
    String hash = "unix:sha256:" + "0".repeat(64);
    world.put("unix:uid:1", FAILS);
    Registration registration =
        Samples.registration(
            List.of(hash, "systemd:unit:a.service", "unix:uid:1"),
            List.of(List.of("systemd:slice:a.slice")),
            List.of("systemd:unit:b.service"));
    Measurement measurement = measurement(registration);
    assertThat(measurement.run(null)).isNotNull();
    assertThat(asked).containsExactly("unix:uid:1");
    assertThat(hostAsked).isZero();
    assertThat(measurement.slow()).isFalse();
    assertThat(measurement.results())
        .extracting(SelectorResult::part)
        .containsExactly("selectors", "selectors", "selectors", "any 1", "not");
  }

  @Test
  void whatCanNeverBeToldLetsNobodyInAndIsShownSo() {
    world.put("unix:path:/a", UNDECIDABLE);
    Measurement measurement =
        measurement(
            Samples.registration(
                List.of("unix:uid:1", "unix:path:/a"), List.of(), List.of("unix:path:/a")));
    assertThat(measurement.run(null)).isNotNull().extracting("definite").isEqualTo(true);
    assertThat(measurement.results())
        .extracting(SelectorResult::outcome)
        .containsExactly(
            SelectorResult.Outcome.HOLDS,
            SelectorResult.Outcome.DOES_NOT_HOLD,
            SelectorResult.Outcome.UNAVAILABLE);
    assertThat(measurement.results().getLast().measured()).contains("counts against it");
    assertThat(verdict(Samples.registration(List.of("unix:uid:1"), List.of(), List.of())))
        .isEqualTo(HOLDS);
    assertThat(
            verdict(
                Samples.registration(List.of("unix:uid:1"), List.of(), List.of("unix:path:/a"))))
        .isEqualTo(FAILS);
  }

  @Test
  void aStrangersFileIsNotReadWhereHisCgroupOrAnAnswerRulesHimOutWhateverTheOrder() {
    String hash = "unix:sha256:" + "0".repeat(64);
    String unit = "systemd:unit:a.service";
    Registration registration =
        Samples.registration(List.of(hash, unit, "unix:uid:1"), List.of(), List.of());
    asked.clear();
    Measurement.Check byCgroup =
        new Measurement.Check() {
          @Override
          public Finding check(Selector selector) {
            return MeasurementTest.this.check(selector);
          }

          @Override
          public @Nullable Finding withoutAsking(Selector selector) {
            return Finding.of(false, "another cgroup");
          }
        };
    Measurement ruledOut = new Measurement(byCgroup, _ -> null, registration);
    assertThat(ruledOut.run(null)).isNotNull();
    assertThat(asked).containsExactly("unix:uid:1");
    assertThat(ruledOut.slow()).isFalse();
    world.put(unit, FAILS);
    assertThat(verdict(registration)).isEqualTo(FAILS);
    assertThat(asked).containsExactly("unix:uid:1", unit);
    world.put(unit, HOLDS);
    assertThat(verdict(registration)).isEqualTo(HOLDS);
    assertThat(asked).containsExactly("unix:uid:1", unit, hash);
  }

  @Test
  void anAlternativeThatHoldsNeedsNoOther() {
    Registration registration =
        Samples.registration(
            List.of("unix:uid:1"),
            List.of(List.of("unix:gid:1"), List.of("systemd:unit:a.service")),
            List.of());
    assertThat(verdict(registration)).isEqualTo(HOLDS);
    assertThat(asked).containsExactly("unix:uid:1", "unix:gid:1");
  }

  @Test
  void onlyAWayToMatchThatNamesAContainerLeadsThereFromOutsideTheHost() {
    host = Doubt.refused("foreign-container", "in one");
    assertThat(verdict(Samples.registration(List.of("unix:uid:1"), List.of(), List.of())))
        .isEqualTo(FAILS);
    assertThat(verdict(Samples.registration(List.of("container:name:a"), List.of(), List.of())))
        .isEqualTo(HOLDS);
    Registration either =
        Samples.registration(
            List.of("unix:uid:1"),
            List.of(List.of("container:name:a"), List.of("systemd:unit:a.service")),
            List.of());
    assertThat(verdict(either)).isEqualTo(HOLDS);
    // One in another container doesn't match by the alternative that is the host's.
    world.put("container:name:a", FAILS);
    assertThat(verdict(either)).isEqualTo(FAILS);
    host = null;
    assertThat(verdict(either)).isEqualTo(HOLDS);
  }

  @Test
  void insideAContainerPathAndHashNeitherHoldNorLetAnybodyInWhereTheyMayNot() {
    assertThat(
            verdict(
                Samples.registration(
                    List.of("container:name:a", "unix:path:/a"), List.of(), List.of())))
        .isEqualTo(FAILS);
    world.put("unix:path:/a", FAILS);
    assertThat(
            verdict(
                Samples.registration(
                    List.of("container:name:a"), List.of(), List.of("unix:path:/a"))))
        .isEqualTo(FAILS);
    assertThat(asked).doesNotContain("unix:path:/a");
  }

  @Test
  void aDoubtFromBeforeStaysUnlessSomethingIsCertain() {
    Registration registration = Samples.registration(List.of("unix:uid:1"), List.of(), List.of());
    Doubt before = Doubt.unavailable("measurement-denied", "no right");
    assertThat(measurement(registration).run(before)).isEqualTo(before);
    world.put("unix:uid:1", FAILS);
    assertThat(measurement(registration).run(before))
        .satisfies(d -> assertThat(d).isNotNull())
        .extracting("definite")
        .isEqualTo(true);
  }
}
