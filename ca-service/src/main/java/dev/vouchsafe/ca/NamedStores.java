package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyStoreHealth;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/** The key stores that were asked for so far, side by side. */
final class NamedStores {
  private final AuthorityStores stores;
  private final Map<String, NamedStore> named = new ConcurrentHashMap<>();

  NamedStores(AuthorityStores stores) {
    this.stores = stores;
  }

  NamedStore named(String name) {
    return named.computeIfAbsent(name, wanted -> new NamedStore(stores, wanted));
  }

  /** The store where a new authority of that role goes. */
  NamedStore chosen(AuthorityInfo.Role role) {
    return named(stores.chosen(role));
  }

  /** How each stands. */
  Map<String, KeyStoreHealth> health() {
    Map<String, KeyStoreHealth> health = new TreeMap<>();
    named.forEach((name, store) -> health.put(name, store.health()));
    return health;
  }
}
