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
