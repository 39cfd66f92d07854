package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyStoreHealth;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PrivateKeyStore;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/** The key stores that authorities are in, side by side. */
final class NamedStores {
  private final AuthorityStores stores;
  private final Map<String, NamedStore> named = new ConcurrentHashMap<>();

  NamedStores(AuthorityStores stores) {
    this.stores = stores;
  }

  NamedStore named(String name) {
    return named.computeIfAbsent(name, wanted -> new NamedStore(stores, wanted));
  }

  /**
   * The store of that name for a new authority, made now if there was none. One that can't be had
   * leaves no trace here: the name is whatever somebody asked for.
   */
  PrivateKeyStore openOrMake(String name) throws KeyFault {
    NamedStore known = named.get(name);
    if (known != null) {
      return known.openOrMake();
    }
    NamedStore asked = new NamedStore(stores, name);
    PrivateKeyStore store = asked.openOrMake();
    named.putIfAbsent(name, asked);
    return store;
  }

  /** The name of the store where a new authority of that role goes. */
  String chosen(AuthorityInfo.Role role) throws KeyFault.Failed {
    return stores.chosen(role);
  }

  /** The type of the key of a new authority of that role, if that is chosen anew each time. */
  Optional<KeyType> keyType(AuthorityInfo.Role role) throws KeyFault.Failed {
    return stores.keyType(role);
  }

  /** How each stands. */
  Map<String, KeyStoreHealth> health() {
    Map<String, KeyStoreHealth> health = new TreeMap<>();
    named.forEach((name, store) -> health.put(name, store.health()));
    return health;
  }
}
