package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.PrivateKeyStores;
import dev.vouchsafe.keys.SealSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Real software stores side by side, under whatever names, each behind a switch. As the real ones
 * do, it opens each once, and closes them itself.
 */
final class InsecureStores implements AuthorityStores, AutoCloseable {
  private final Path folder;
  private final Map<String, InsecureFaultyStore> opened = new ConcurrentHashMap<>();
  private final Map<String, KeyFault> refused = new ConcurrentHashMap<>();
  private final Map<AuthorityInfo.Role, String> chosen = new EnumMap<>(AuthorityInfo.Role.class);

  private volatile @Nullable KeyType chosenType;

  InsecureStores(Path folder) {
    this.folder = folder;
  }

  InsecureStores choose(AuthorityInfo.Role role, String name) {
    chosen.put(role, name);
    return this;
  }

  /** From now on, keys of new authorities are to be of that type. */
  void chooseType(KeyType type) {
    chosenType = type;
  }

  @Override
  public Optional<KeyType> keyType(AuthorityInfo.Role role) {
    return Optional.ofNullable(chosenType);
  }

  /** Has a store of another kind under that name. */
  void put(String name, PrivateKeyStore store) {
    opened.put(name, new InsecureFaultyStore(store));
  }

  /** From now on, that store can't even be opened. */
  void refuse(String name, KeyFault fault) {
    refused.put(name, fault);
  }

  void allow(String name) {
    refused.remove(name);
  }

  boolean isOpen(String name) {
    return opened.containsKey(name);
  }

  InsecureFaultyStore get(String name) {
    return Objects.requireNonNull(opened.get(name), name);
  }

  @Override
  public String chosen(AuthorityInfo.Role role) {
    return chosen.getOrDefault(role, "software");
  }

  @Override
  public PrivateKeyStore open(String name) throws KeyFault {
    return open(name, false);
  }

  @Override
  public PrivateKeyStore openOrMake(String name) throws KeyFault {
    return open(name, true);
  }

  private synchronized PrivateKeyStore open(String name, boolean make) throws KeyFault {
    KeyFault fault = refused.get(name);
    if (fault != null) {
      throw fault;
    }
    InsecureFaultyStore known = opened.get(name);
    if (known == null) {
      known = new InsecureFaultyStore(real(name, make));
      opened.put(name, known);
    }
    return known;
  }

  private PrivateKeyStore real(String name, boolean make) throws KeyFault {
    boolean first = name.equals("software");
    Path keys = folder.resolve(first ? "keys" : "keys-" + name);
    SealSource seal =
        new SealSource.GeneratedFile(folder.resolve(first ? "seal.key" : "seal-" + name + ".key"));
    return make && !Files.exists(keys)
        ? PrivateKeyStores.createSoftware(keys, seal, TestCa.CRYPTO)
        : PrivateKeyStores.openSoftware(keys, seal, TestCa.CRYPTO);
  }

  /** As if the process ended: each is opened anew by the next who asks. */
  @Override
  public synchronized void close() {
    opened.values().forEach(InsecureFaultyStore::close);
    opened.clear();
  }
}
