package dev.vouchsafe.cli;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.PrivateKeyStores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which folder is the record of which key store. The first store of a home is in {@code data/keys},
 * whichever it is; one that came later, or the root's own token, is in {@code data/keys-NAME}.
 *
 * @param data the folder that they lie in
 * @param sealKey the generated sealing secret
 * @param tpmAuthKey the generated auth value of keys in a TPM
 */
record StoreFolders(Path data, Path sealKey, Path tpmAuthKey) {
  private static final String FIRST = "keys";

  /** Ends the name of a folder whose store is being made; it is renamed when that is done. */
  private static final String HALF_MADE = ".new";

  static StoreFolders of(Home home) {
    return new StoreFolders(home.data(), home.sealKey(), home.tpmAuthKey());
  }

  /** Those of a home that {@code init} is building. */
  static StoreFolders staged(Home home) {
    Path configuration = home.configurationStage();
    return new StoreFolders(
        home.stagedData(),
        configuration.resolve(home.sealKey().getFileName()),
        configuration.resolve(home.tpmAuthKey().getFileName()));
  }

  /** The folder of the store of that name, if there is one. */
  Optional<Path> find(KeyStoreName name) {
    Path own = own(name);
    if (exists(own)) {
      return Optional.of(own);
    }
    Path first = data.resolve(FIRST);
    return exists(first) && holds(first) == name ? Optional.of(first) : Optional.empty();
  }

  /** What to say where there should be a store of that name. */
  KeyFault.Failed lacks(KeyStoreName name) {
    return new KeyFault.Failed(
        data + " has no key store " + name.text() + ": restore a backup of the folder, whole");
  }

  /** Where a new store of that name is to be. */
  Path forNew(KeyStoreName name) {
    Path first = data.resolve(FIRST);
    return name == KeyStoreName.ROOT_PKCS11 || exists(first) ? own(name) : first;
  }

  /** Where it is made, before it has its name. */
  static Path halfMade(Path folder) {
    return folder.resolveSibling(folder.getFileName() + HALF_MADE);
  }

  /** The names of the stores that are there. */
  List<KeyStoreName> present() {
    List<KeyStoreName> names = new ArrayList<>();
    for (KeyStoreName name : KeyStoreName.values()) {
      if (find(name).isPresent()) {
        names.add(name);
      }
    }
    return List.copyOf(names);
  }

  /**
   * A folder of a key store, made whole or not.
   *
   * @param name the store whose settings lead to it
   */
  record Found(KeyStoreName name, Path folder) {}

  /** Every folder of a key store, the half made ones too. */
  List<Found> all() throws IOException {
    List<Found> found = new ArrayList<>();
    if (!Files.isDirectory(data, LinkOption.NOFOLLOW_LINKS)) {
      return found;
    }
    String roots = own(KeyStoreName.ROOT_PKCS11).getFileName().toString();
    try (var folders = Files.newDirectoryStream(data, FIRST + "*")) {
      for (Path folder : folders) {
        boolean ofRoot = folder.getFileName().toString().startsWith(roots);
        found.add(new Found(ofRoot ? KeyStoreName.ROOT_PKCS11 : holds(folder), folder));
      }
    }
    return found;
  }

  private Path own(KeyStoreName name) {
    return data.resolve(FIRST + "-" + name.text());
  }

  private static KeyStoreName holds(Path folder) {
    if (PrivateKeyStores.isPkcs11(folder)) {
      return KeyStoreName.PKCS11;
    }
    return PrivateKeyStores.isTpm(folder) ? KeyStoreName.TPM : KeyStoreName.SOFTWARE;
  }

  private static boolean exists(Path path) {
    return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
  }
}
