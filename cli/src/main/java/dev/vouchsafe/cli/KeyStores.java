package dev.vouchsafe.cli;

import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.AuthorityStores;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.Pkcs11Uri;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The key stores of one home, each opened at its first use, where the configuration says that it
 * is, and never another in its place.
 */
final class KeyStores implements AuthorityStores, AutoCloseable {
  /** Where {@code [keys]} of the configuration comes from; read anew for each store. */
  interface Settings {
    Configuration.Keys read() throws ConfigurationException;
  }

  private final StoreFolders folders;
  private final Settings settings;
  private final KeyStoreDrivers drivers;
  private final Map<KeyStoreName, PrivateKeyStore> open = new EnumMap<>(KeyStoreName.class);

  KeyStores(
      StoreFolders folders,
      Settings settings,
      Map<String, String> environment,
      SoftwareCrypto crypto) {
    this.folders = folders;
    this.settings = settings;
    this.drivers = new KeyStoreDrivers(folders, environment, crypto);
  }

  /**
   * Those of that home. What the configuration says is read again whenever a store is looked for,
   * so that one that was configured after the start is found.
   */
  static KeyStores of(Home home, Map<String, String> environment, SoftwareCrypto crypto) {
    return new KeyStores(
        StoreFolders.of(home), () -> ConfigurationFile.read(home).keys(), environment, crypto);
  }

  @Override
  public String chosen(AuthorityInfo.Role role) {
    try {
      Configuration.Keys keys = settings.read();
      return switch (role) {
        case ROOT -> keys.rootStore().text();
        case DEVICE, ISSUING -> keys.store().text();
      };
    } catch (ConfigurationException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  @Override
  public PrivateKeyStore open(String name) throws KeyFault {
    return open(known(name));
  }

  synchronized PrivateKeyStore open(KeyStoreName name) throws KeyFault {
    PrivateKeyStore store = open.get(name);
    if (store != null) {
      return store;
    }
    Path folder =
        folders
            .find(name)
            .orElseThrow(() ->
                new KeyFault.Failed(
                    folders.data()
                        + " has no key store "
                        + name.text()
                        + ": restore a backup of the folder, whole"));
    return keep(name, drivers.open(name, folder, places()));
  }

  @Override
  public PrivateKeyStore openOrMake(String name) throws KeyFault {
    return openOrMake(known(name));
  }

  synchronized PrivateKeyStore openOrMake(KeyStoreName name) throws KeyFault {
    if (open.containsKey(name) || folders.find(name).isPresent()) {
      return open(name);
    }
    Configuration.Places places = places();
    Path folder = folders.forNew(name);
    Path halfMade = StoreFolders.halfMade(folder);
    try {
      clear(name, halfMade, places);
      if (!exists(halfMade)) {
        drivers.create(name, halfMade, places).close();
      }
      Files.move(halfMade, folder, StandardCopyOption.ATOMIC_MOVE);
      DurableFiles.sync(folders.data());
    } catch (IOException e) {
      throw new KeyFault.Failed("the key store can't be made: " + Causes.of(e), e);
    }
    return keep(name, drivers.open(name, folder, places));
  }

  /**
   * Clears away what a crash left of a store that was being made. One that was whole by then and
   * has a generated secret stays, since that secret, which lies elsewhere, stayed as well.
   */
  private void clear(KeyStoreName name, Path halfMade, Configuration.Places places)
      throws KeyFault, IOException {
    if (!exists(halfMade)) {
      return;
    }
    if (!ofToken(name) && opens(name, halfMade, places)) {
      return;
    }
    drivers.destroyOutside(new StoreFolders.Found(name, halfMade), places);
    DurableFiles.deleteTree(halfMade);
  }

  private static boolean ofToken(KeyStoreName name) {
    return name == KeyStoreName.PKCS11 || name == KeyStoreName.ROOT_PKCS11;
  }

  private boolean opens(KeyStoreName name, Path folder, Configuration.Places places) {
    try {
      drivers.open(name, folder, places).close();
      return true;
    } catch (KeyFault e) {
      return false;
    }
  }

  /**
   * Destroys what stores keep outside of their folders, for a home that was not made to the end:
   * the folders go with the home.
   */
  void destroyOutside() throws KeyFault, IOException {
    for (StoreFolders.Found found : folders.all()) {
      drivers.destroyOutside(found, places());
    }
  }

  /** Those that are open now. */
  synchronized List<PrivateKeyStore> opened() {
    return List.copyOf(open.values());
  }

  private PrivateKeyStore keep(KeyStoreName name, PrivateKeyStore store) {
    open.put(name, store);
    return store;
  }

  private Configuration.Places places() throws KeyFault.Failed {
    try {
      return settings.read().places();
    } catch (ConfigurationException e) {
      throw new KeyFault.Failed(Causes.text(e), e);
    }
  }

  private static KeyStoreName known(String name) throws KeyFault.Failed {
    return KeyStoreName.parse(name)
        .orElseThrow(() ->
            new KeyFault.Failed(
                Shell.quoted(name)
                    + " is no key store; there are "
                    + KeyStoreName.texts(List.of(KeyStoreName.values()))));
  }

  private static boolean exists(Path path) {
    return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
  }

  /** A token for people, as its URI names it. */
  static String named(Pkcs11Uri uri) {
    String token = uri.token().map(label -> "token '" + label + "'").orElse("token");
    return token + uri.serial().map(serial -> " (serial " + serial + ")").orElse("");
  }

  /** Where a store is, for people. */
  static String location(KeyStoreName name, Configuration.Places places) {
    return switch (name) {
      case SOFTWARE -> "software";
      case PKCS11 -> name.text() + places.pkcs11().map(uri -> ": " + named(uri)).orElse("");
      case ROOT_PKCS11 ->
          name.text() + places.rootPkcs11().map(uri -> ": " + named(uri)).orElse("");
      case TPM -> name.text() + places.tpm().tcti().map(tcti -> ": " + tcti).orElse("");
    };
  }

  @Override
  public synchronized void close() {
    open.values().forEach(PrivateKeyStore::close);
    open.clear();
  }
}
