package dev.vouchsafe.attestation;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Registrations for tests. */
final class Samples {
  static final RegistrationRules RULES =
      new RegistrationRules(Set.of("identity", "server"), List.of());

  private Samples() {}

  static Registration registration(String name, String... selectors) {
    return registration(name, false, selectors);
  }

  /** One whose callers must hold their connection alone. */
  static Registration strict(String name, String... selectors) {
    return registration(name, true, selectors);
  }

  private static Registration registration(String name, boolean strict, String... selectors) {
    return new Registration(
        name,
        "1",
        List.of(selectors).stream().map(Samples::selector).toList(),
        Set.of("identity"),
        List.of(),
        List.of(),
        ModuleName.spiffePath(name),
        Optional.empty(),
        List.of(),
        Set.of(Registration.Channel.UNIX),
        strict);
  }

  /** One with alternatives and with what may not hold. */
  static Registration registration(
      List<String> selectors, List<List<String>> any, List<String> not) {
    return new Registration(
        "m",
        "1",
        selectors(selectors),
        any.stream().map(Samples::selectors).toList(),
        selectors(not),
        Set.of("identity"),
        List.of(),
        List.of(),
        Optional.empty(),
        Optional.empty(),
        List.of(),
        Set.of(Registration.Channel.UNIX),
        false);
  }

  private static List<Selector> selectors(List<String> texts) {
    return texts.stream().map(Samples::selector).toList();
  }

  static Selector selector(String text) {
    try {
      return RegistrationFolder.selector(text);
    } catch (RegistrationException e) {
      throw new IllegalArgumentException(e);
    }
  }

  /** Our own user id. */
  static long uid() {
    return Libc.geteuid(new Scratch());
  }
}
