package dev.vouchsafe.cli;

import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.AuthorityStores;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyType;
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
import java.util.Optional;

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
  private final Map<KeyStoreName, Opened> open = new EnumMap<>(KeyStoreName.class);

  /**
   * A store that is open.
   *
   * @param places where it was when it was opened
   */
  private record Opened(PrivateKeyStore store, Configuration.Places places) {}

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
  public String chosen(AuthorityInfo.Role role) throws KeyFault.Failed {
    Configuration.Keys keys = keys();
    return switch (role) {
      case ROOT -> keys.rootStore().text();
      case DEVICE, ISSUING -> keys.store().text();
    };
  }

  @Override
  public Optional<KeyType> keyType(AuthorityInfo.Role role) throws KeyFault.Failed {
    Configuration.Keys keys = keys();
    return switch (role) {
      case ROOT -> Optional.of(keys.rootType());
      case DEVICE -> Optional.of(keys.deviceType());
      case ISSUING -> Optional.empty();
    };
  }

  @Override
  public PrivateKeyStore open(String name) throws KeyFault {
    return open(known(name));
  }

  synchronized PrivateKeyStore open(KeyStoreName name) throws KeyFault {
    Opened known = open.get(name);
    if (known != null) {
      return known.store();
    }
    Path folder = folders.find(name).orElseThrow(() -> folders.lacks(name));
    Configuration.Places places = places();
    return keep(name, drivers.open(name, folder, places), places);
  }

  @Override
  public PrivateKeyStore openOrMake(String name) throws KeyFault {
    return openOrMake(known(name));
  }

  synchronized PrivateKeyStore openOrMake(KeyStoreName name) throws KeyFault {
    Opened known = open.get(name);
    if (known != null) {
      requireUnchanged(name, known.places());
      return known.store();
    }
    if (folders.find(name).isPresent()) {
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
    return keep(name, drivers.open(name, folder, places), places);
  }

  /** A key that is made by other settings than those in the file would be found by nobody later. */
  private void requireUnchanged(KeyStoreName name, Configuration.Places then)
      throws KeyFault.Failed {
    String changed = then.changed(name, places());
    if (!changed.isEmpty()) {
      throw new KeyFault.Failed(
          "the key store "
              + name.text()
              + " is open with what "
              + changed
              + " said before: restart the service, which opens it by what the file says now, or"
              + " put that back");
    }
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
    return open.values().stream().map(Opened::store).toList();
  }

  private PrivateKeyStore keep(
      KeyStoreName name, PrivateKeyStore store, Configuration.Places places) {
    open.put(name, new Opened(store, places));
    return store;
  }

  private Configuration.Places places() throws KeyFault.Failed {
    return keys().places();
  }

  private Configuration.Keys keys() throws KeyFault.Failed {
    try {
      return settings.read();
    } catch (ConfigurationException e) {
      throw new KeyFault.Failed(Causes.text(e), e);
    }
  }

  /** The store of that name, if there can be one. */
  static KeyStoreName known(String name) throws KeyFault.Failed {
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
    open.values().forEach(opened -> opened.store().close());
    open.clear();
  }
}
