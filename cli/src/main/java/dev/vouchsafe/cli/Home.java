package dev.vouchsafe.cli;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where everything of one gateway lies: either all in one folder, or spread over the system as the
 * file system hierarchy wants it.
 *
 * @param configuration the file {@code vouchsafe.toml}
 * @param registrations the folder {@code registrations.d}
 * @param data the folder with keys, ledger and trust bundle
 * @param run the folder of the sockets
 * @param sealKey the generated sealing secret, outside {@code data} on purpose
 */
record Home(Path configuration, Path registrations, Path data, Path run, Path sealKey) {
  static final String VARIABLE = "VOUCHSAFE_HOME";

  /** All inside one folder. */
  static Home at(Path folder) {
    Path root = folder.toAbsolutePath().normalize();
    return new Home(
        root.resolve("vouchsafe.toml"),
        root.resolve("registrations.d"),
        root.resolve("data"),
        root.resolve("run"),
        root.resolve("seal.key"));
  }

  /** Spread over {@code /etc}, {@code /var/lib} and {@code /run}. */
  static Home ofSystem() {
    Path etc = Path.of("/etc/vouchsafe");
    Path lib = Path.of("/var/lib/vouchsafe");
    return new Home(
        etc.resolve("vouchsafe.toml"),
        lib.resolve("registrations.d"),
        lib.resolve("data"),
        Path.of("/run/vouchsafe"),
        etc.resolve("seal.key"));
  }

  /** The folder of the option, else of {@code VOUCHSAFE_HOME}, else the system's. */
  static Home choose(Optional<String> option, Map<String, String> environment)
      throws CommandFailure {
    Optional<String> folder =
        option.or(() -> Optional.ofNullable(environment.get(VARIABLE)).filter(s -> !s.isEmpty()));
    if (folder.isEmpty()) {
      return ofSystem();
    }
    try {
      if (!folder.get().isEmpty()) {
        return at(Path.of(folder.get()));
      }
    } catch (InvalidPathException e) {
      throw CommandFailure.usage("--home is not a path: " + e.getReason());
    }
    throw CommandFailure.usage("--home is empty; give the folder of the gateway");
  }

  Path workloadSocket() {
    return run.resolve("workload.sock");
  }

  Path spiffeSocket() {
    return run.resolve("spiffe.sock");
  }

  Path adminSocket() {
    return run.resolve("admin.sock");
  }

  /** The version of the data folder's layout. */
  Path format() {
    return data.resolve("format");
  }

  /** Held by the one service of this home. */
  Path lock() {
    return data.resolve("lock");
  }

  Path keys() {
    return data.resolve("keys");
  }

  /** The generated auth value of keys in a TPM, outside {@code data} on purpose. */
  Path tpmAuthKey() {
    return sealKey.resolveSibling("tpm-auth.key");
  }

  /** What {@code init} may make outside {@code data}: the configuration and generated secrets. */
  List<Path> besideData() {
    return List.of(sealKey, tpmAuthKey(), configuration);
  }

  /** Where the floor of the time is kept. */
  Path clock() {
    return data.resolve("clock");
  }

  /** The folder of the audit log. */
  Path audit() {
    return data.resolve("audit");
  }

  Path bundle() {
    return data.resolve("trust-bundle.json");
  }

  /** Who has read which version of the trust bundle. */
  Path bundleReaders() {
    return data.resolve("bundle-readers.json");
  }

  /** The ids of revoked tokens that the service publishes, once it has revoked one. */
  Path revokedTokens() {
    return data.resolve("revoked-tokens.json");
  }

  /** The public keys that verify tokens, a JSON Web Key Set, as the service publishes it. */
  Path tokenKeys() {
    return data.resolve("jwks.json");
  }

  /** The folder that {@code init} builds in before anything looks like a home. */
  Path stage() {
    return parent(data).resolve(".init");
  }

  /** As {@link #stage()}, beside the configuration: a rename can't cross file systems. */
  Path configurationStage() {
    return parent(configuration).resolve(".init");
  }

  /** Where the service makes backups, for a command to fetch. */
  Path backups() {
    return data.resolve(".backup");
  }

  /** The folder that {@code restore} builds in. */
  Path restoreStage() {
    return parent(data).resolve(".restore");
  }

  /** The data folder while {@code init} builds it. */
  Path stagedData() {
    return stage().resolve(data.getFileName());
  }

  /** The configuration while {@code init} builds the home. */
  Path stagedConfiguration() {
    return configurationStage().resolve(configuration.getFileName());
  }

  static Path parent(Path path) {
    Path parent = path.getParent();
    if (parent == null) {
      throw new IllegalArgumentException(path + " has no folder");
    }
    return parent;
  }
}
