package dev.vouchsafe.attestation;

import java.util.Collection;
import java.util.List;

/** Writes a registration as TOML that a person can go on editing. */
final class RegistrationPrinter {
  private final StringBuilder out = new StringBuilder();

  private RegistrationPrinter() {}

  static String print(Registration registration) {
    RegistrationPrinter printer = new RegistrationPrinter();
    printer.table(registration);
    return printer.out.toString();
  }

  private void table(Registration r) {
    out.append("# Written by \"vouchsafe module add\"; a change takes effect at the next call.\n");
    out.append("[[module]]\n");
    line("name", text(r.name()));
    line("generation", text(r.generation()));
    line("selectors", texts(r.selectors()));
    if (!r.any().isEmpty()) {
      line(
          "any",
          "[" + String.join(", ", r.any().stream().map(RegistrationPrinter::texts).toList()) + "]");
    }
    optional("not", r.not().stream().map(Selector::text).toList());
    line("profiles", list(r.profiles().stream().sorted().toList()));
    optional("dns", r.dns());
    optional("ip", r.ip());
    r.ttl().ifPresent(ttl -> line("ttl", text(TtlText.format(ttl))));
    optional("audiences", r.audiences());
    line("channels", list(r.channels().stream().sorted().map(ModuleTable::channelName).toList()));
    if (r.strict()) {
      line("strict", "true");
    }
    if (r.spiffePath().isPresent() && !r.spiffePath().equals(ModuleName.spiffePath(r.name()))) {
      line("spiffe", text(r.spiffePath().get()));
    }
  }

  private void optional(String key, List<String> values) {
    if (!values.isEmpty()) {
      line(key, list(values));
    }
  }

  private void line(String key, String value) {
    out.append(String.format("%-10s", key)).append(" = ").append(value).append('\n');
  }

  private static String texts(List<Selector> selectors) {
    return list(selectors.stream().map(Selector::text).toList());
  }

  private static String list(Collection<String> values) {
    return "[" + String.join(", ", values.stream().map(RegistrationPrinter::text).toList()) + "]";
  }

  /** A basic string (TOML 1.0, "String"). */
  private static String text(String value) {
    StringBuilder quoted = new StringBuilder("\"");
    value
        .codePoints()
        .forEach(c -> {
          if (c == '"' || c == '\\') {
            quoted.append('\\').appendCodePoint(c);
          } else if (Character.isISOControl(c) || (c >= 0xd800 && c <= 0xdfff)) {
            quoted.append(String.format("\\u%04X", c));
          } else {
            quoted.appendCodePoint(c);
          }
        });
    return quoted.append('"').toString();
  }
}
