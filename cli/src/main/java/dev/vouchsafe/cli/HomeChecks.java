package dev.vouchsafe.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** What {@code check} says of the home's files: format, configuration, rights, keys. */
final class HomeChecks {
  private final Home home;

  HomeChecks(Home home) {
    this.home = home;
  }

  Finding format() {
    try {
      HomeFormat.require(home);
      return Finding.ok("home", home.data() + ", version " + HomeBuilder.FORMAT);
    } catch (CommandFailure e) {
      return Finding.fail("home", Causes.text(e), "see docs/cli.md, init");
    } catch (IOException e) {
      return Finding.fail("home", Causes.of(e), "run check as root or as the service's user");
    }
  }

  /** Another user than the service's is shown other rights, and may open none of its keys. */
  Optional<Finding> owner() {
    try {
      long owner = FileTrust.owner(home.data());
      long self = FileTrust.ownUser();
      return owner == self
          ? Optional.empty()
          : Optional.of(
              Finding.warn(
                  "home",
                  home.data() + " belongs to user " + owner + ", and this runs as user " + self,
                  "run check as the service's user to see what the service sees"));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  Optional<Configuration> configuration(Consumer<Finding> findings) {
    try {
      Configuration configuration = ConfigurationFile.read(home);
      findings.accept(Finding.ok("configuration", home.configuration().toString()));
      return Optional.of(configuration);
    } catch (ConfigurationException e) {
      findings.accept(Finding.fail("configuration", Causes.text(e), "see docs/configuration.md"));
      return Optional.empty();
    }
  }

  /** Owner and mode of what only the service may read, and of what only a few may write. */
  List<Finding> rights() {
    List<Finding> findings = new ArrayList<>();
    for (Path secret : List.of(home.data(), home.sealKey(), home.tpmAuthKey())) {
      if (Files.exists(secret)) {
        secretRights(secret).ifPresent(findings::add);
      }
    }
    if (Files.exists(home.registrations())) {
      trustedRights(home.registrations()).ifPresent(findings::add);
    }
    if (findings.isEmpty()) {
      findings.add(Finding.ok("rights", "nobody else reads the keys or writes the registrations"));
    }
    return findings;
  }

  private static Optional<Finding> secretRights(Path path) {
    try {
      Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(path);
      permissions.removeIf(permission -> permission.name().startsWith("OWNER"));
      return permissions.isEmpty()
          ? Optional.empty()
          : Optional.of(
              Finding.fail(
                  "rights", path + " is open to others than its owner", "chmod go-rwx " + path));
    } catch (IOException e) {
      return Optional.of(unreadable(e));
    }
  }

  private static Optional<Finding> trustedRights(Path path) {
    try {
      return FileTrust.problem(path)
          .map(problem -> Finding.fail("rights", problem, "until then no registration is taken"));
    } catch (IOException e) {
      return Optional.of(unreadable(e));
    }
  }

  private static Finding unreadable(IOException e) {
    return Finding.warn("rights", Causes.of(e), "run check as root or as the service's user");
  }
}
