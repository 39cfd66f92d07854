package dev.vouchsafe.attestation;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What the files of the folder say, and what of it is in force.
 *
 * <p>Invariant: no two registrations in force share a name or a SPIFFE path. Files that claim the
 * same one are all refused, since which of them was meant can't be told; each falls back to what it
 * said before. What is in force only because of that yields to a file that is taken as it is.
 *
 * <p>A built-in registration yields to any file that claims its name, or would if it could be read:
 * whoever wrote that file wanted something else. Otherwise it holds its SPIFFE path against files.
 */
final class FolderState {
  private final Map<String, File> files = new TreeMap<>();
  private final List<Registration> builtIn;
  private List<Registration> standing = List.of();

  /** A file as it is, and what of it is in force. */
  private static final class File {
    RegistrationFile now;
    List<Registration> inForce = List.of();
    List<RegistrationProblem> problems = List.of();

    File(RegistrationFile now) {
      this.now = now;
    }
  }

  /**
   * @param builtIn registrations that need no file
   */
  FolderState(List<Registration> builtIn) {
    this.builtIn = builtIn;
  }

  void put(String name, RegistrationFile file) {
    File known = files.get(name);
    if (known == null) {
      files.put(name, new File(file));
    } else {
      known.now = file;
    }
  }

  void remove(String name) {
    files.remove(name);
  }

  void retain(Collection<String> names) {
    files.keySet().retainAll(new HashSet<>(names));
  }

  /** Settles what is in force after a change. */
  void settle() {
    standing = builtIn.stream().filter(r -> !yields(r)).toList();
    Map<String, List<File>> claims = claims();
    Set<String> taken = new HashSet<>();
    standing.forEach(r -> taken.addAll(keys(r)));
    List<File> refused = new ArrayList<>();
    for (File file : files.values()) {
      file.problems = problems(file, claims);
      if (file.problems.isEmpty()) {
        file.inForce = file.now.registrations();
        file.inForce.forEach(r -> taken.addAll(keys(r)));
      } else {
        refused.add(file);
      }
    }
    for (File file : refused) {
      file.inForce =
          file.inForce.stream().filter(r -> keys(r).stream().noneMatch(taken::contains)).toList();
      String instead =
          file.inForce.isEmpty()
              ? "; nothing in this file is in force; a service that was running keeps what it said before"
              : "; what it said before is still in force";
      file.problems =
          file.problems.stream()
              .map(p -> new RegistrationProblem(p.file(), p.code(), p.message() + instead))
              .toList();
    }
  }

  private boolean yields(Registration registration) {
    String name = registration.name();
    File own = files.get(ModuleName.file(name));
    return (own != null && !own.now.problems().isEmpty())
        || files.values().stream()
            .anyMatch(f -> holds(f.now.registrations(), name) || holds(f.inForce, name));
  }

  private static boolean holds(List<Registration> registrations, String name) {
    return registrations.stream().anyMatch(r -> r.name().equals(name));
  }

  /** The built-in registrations in force: those that yield to no file. */
  List<Registration> builtIn() {
    return standing;
  }

  /** What is in force of the files. */
  List<Registration> inForce() {
    List<Registration> all = new ArrayList<>();
    files.values().forEach(f -> all.addAll(f.inForce));
    return all;
  }

  List<RegistrationProblem> problems() {
    List<RegistrationProblem> all = new ArrayList<>();
    files.values().forEach(f -> all.addAll(f.problems));
    return all;
  }

  private Map<String, List<File>> claims() {
    Map<String, List<File>> claims = new HashMap<>();
    for (File file : files.values()) {
      for (Registration registration : file.now.registrations()) {
        for (String key : keys(registration)) {
          claims.computeIfAbsent(key, k -> new ArrayList<>(1)).add(file);
        }
      }
    }
    return claims;
  }

  private List<RegistrationProblem> problems(File file, Map<String, List<File>> claims) {
    List<RegistrationProblem> problems = new ArrayList<>(file.now.problems());
    for (Registration registration : file.now.registrations()) {
      for (String key : keys(registration)) {
        Optional<Registration> own =
            standing.stream().filter(r -> keys(r).contains(key)).findFirst();
        if (own.isPresent()) {
          problems.add(clash(file, registration, key, own.get()));
          break;
        }
        List<File> claimants = claims.getOrDefault(key, List.of());
        if (claimants.size() > 1) {
          problems.add(clash(file, registration, key, claimants));
          break;
        }
      }
    }
    return problems;
  }

  private static RegistrationProblem clash(
      File file, Registration registration, String key, List<File> claimants) {
    boolean name = key.startsWith("n");
    List<String> others =
        claimants.stream().filter(f -> f != file).map(f -> f.now.file().toString()).toList();
    return new RegistrationProblem(
        file.now.file(),
        name ? "duplicate-name" : "duplicate-spiffe",
        "[[module]] "
            + Quoted.of(registration.name())
            + (name ? ", name: " : ", spiffe: the SPIFFE path ")
            + Quoted.of(key.substring(1))
            + " is also claimed in "
            + String.join(", ", others)
            + "; none of these files is taken until only one claims it");
  }

  /** By name none does: that one would yield. */
  private static RegistrationProblem clash(
      File file, Registration registration, String key, Registration own) {
    return new RegistrationProblem(
        file.now.file(),
        "duplicate-spiffe",
        "[[module]] "
            + Quoted.of(registration.name())
            + ", spiffe: the SPIFFE path "
            + Quoted.of(key.substring(1))
            + " is that of the built-in registration "
            + Quoted.of(own.name())
            + "; give this one another");
  }

  private static List<String> keys(Registration registration) {
    String name = "n" + registration.name();
    return registration
        .spiffePath()
        .map(path -> List.of(name, "s" + path))
        .orElseGet(() -> List.of(name));
  }
}
