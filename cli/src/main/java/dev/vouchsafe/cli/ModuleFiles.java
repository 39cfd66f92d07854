package dev.vouchsafe.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationException;
import dev.vouchsafe.attestation.RegistrationFolder;
import dev.vouchsafe.attestation.RegistrationProblem;
import dev.vouchsafe.attestation.RegistrationSet;
import dev.vouchsafe.attestation.Selector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The folder of registrations, as the commands see it. */
final class ModuleFiles {
  private ModuleFiles() {}

  /** The folder, if there is a home around it. */
  static Path folder(Home home) throws CommandFailure {
    if (!Files.isDirectory(home.registrations())) {
      throw CommandFailure.failed(
          home.registrations()
              + " does not exist; make a home with `vouchsafe init`, or name one with --home");
    }
    return home.registrations();
  }

  static RegistrationSet read(Home home) throws CommandFailure {
    try {
      return RegistrationFolder.read(folder(home), ModuleRules.of(home));
    } catch (IOException e) {
      throw CommandFailure.failed("the registrations can't be read: " + Causes.of(e), e);
    }
  }

  static Registration find(RegistrationSet set, String name) throws CommandFailure {
    return set.byName(name)
        .orElseThrow(() -> {
          List<String> names = set.all().stream().map(Registration::name).toList();
          return CommandFailure.failed(
              "no module is registered as "
                  + Shell.quoted(name)
                  + Names.nearest(name, names).map(near -> "; nearest: " + near).orElse("")
                  + "; see `vouchsafe module list`");
        });
  }

  static CommandFailure failure(RegistrationException e) {
    return CommandFailure.failed(e.code() + ": " + e.getMessage(), e);
  }

  /** Files that were not taken, one line each, for the error stream. */
  static void warn(Console console, RegistrationSet set) {
    for (RegistrationProblem problem : set.problems()) {
      console
          .err()
          .println(
              "vouchsafe: not taken: "
                  + problem.file()
                  + ": "
                  + problem.code()
                  + ": "
                  + problem.message());
    }
  }

  /** One registration under the keys of its file. */
  static Map<String, Object> fields(Registration registration, RegistrationSet set) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", registration.name());
    fields.put("generation", registration.generation());
    fields.put("selectors", texts(registration.selectors()));
    if (!registration.any().isEmpty()) {
      fields.put("any", registration.any().stream().map(ModuleFiles::texts).toList());
    }
    if (!registration.not().isEmpty()) {
      fields.put("not", texts(registration.not()));
    }
    fields.put("profiles", registration.profiles().stream().sorted().toList());
    fields.put("dns", registration.dns());
    fields.put("ip", registration.ip());
    registration.spiffePath().ifPresent(path -> fields.put("spiffe", path));
    if (!registration.audiences().isEmpty()) {
      fields.put("audiences", registration.audiences());
    }
    registration.ttl().ifPresent(ttl -> fields.put("ttl", Durations.format(ttl)));
    fields.put(
        "channels",
        registration.channels().stream()
            .sorted()
            .map(channel -> channel.name().toLowerCase(Locale.ROOT))
            .toList());
    fields.put("strict", registration.strict());
    if (set.isBuiltIn(registration.name())) {
      fields.put("builtIn", true);
    }
    return fields;
  }

  private static List<String> texts(List<Selector> selectors) {
    return selectors.stream().map(Selector::text).toList();
  }

  /** What must hold, on one line for people. */
  static String condition(Registration registration) {
    List<String> words = new ArrayList<>(texts(registration.selectors()));
    if (!registration.any().isEmpty()) {
      words.add(
          registration.any().stream()
              .map(list -> String.join(" ", texts(list)))
              .collect(Collectors.joining(" | ", "any(", ")")));
    }
    registration.not().forEach(selector -> words.add("not(" + selector.text() + ")"));
    return String.join(" ", words);
  }

  private static void writeList(JsonGenerator json, List<?> list) throws IOException {
    json.writeStartArray();
    for (Object item : list) {
      if (item instanceof List<?> inner) {
        writeList(json, inner);
      } else {
        json.writeString(item.toString());
      }
    }
    json.writeEndArray();
  }

  static void writeJson(JsonGenerator json, Registration registration, RegistrationSet set)
      throws IOException {
    json.writeStartObject();
    for (Map.Entry<String, Object> field : fields(registration, set).entrySet()) {
      if (field.getValue() instanceof List<?> list) {
        json.writeFieldName(field.getKey());
        writeList(json, list);
      } else if (field.getValue() instanceof Boolean flag) {
        json.writeBooleanField(field.getKey(), flag);
      } else {
        json.writeStringField(field.getKey(), field.getValue().toString());
      }
    }
    json.writeEndObject();
  }
}
