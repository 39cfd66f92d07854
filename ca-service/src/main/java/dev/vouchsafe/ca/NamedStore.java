package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyStoreHealth;
import dev.vouchsafe.keys.PrivateKeyStore;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A key store that authorities are in, by its name. It is opened when it is first needed, so that
 * one that can't be opened just now stops nothing but what needs it.
 */
final class NamedStore {
  /** The store in this process's memory, which signs sooner than a thread is woken. */
  private static final String QUICK = "software";

  private final AuthorityStores stores;
  private final String name;
  private final Optional<SigningLane> lane;
  private volatile @Nullable PrivateKeyStore opened;
  private volatile KeyStoreHealth unopened =
      new KeyStoreHealth(KeyStoreHealth.State.GONE, "it was not opened yet");

  NamedStore(AuthorityStores stores, String name) {
    this.stores = stores;
    this.name = name;
    this.lane = name.equals(QUICK) ? Optional.empty() : Optional.of(new SigningLane(name));
  }

  /** One of the two ways to come by a store. */
  private interface Way {
    PrivateKeyStore open(String name) throws KeyFault;
  }

  String name() {
    return name;
  }

  /** Where signing waits for its turn, unless it is quick. */
  Optional<SigningLane> lane() {
    return lane;
  }

  PrivateKeyStore open() throws KeyFault {
    PrivateKeyStore known = opened;
    return known == null ? through(stores::open) : known;
  }

  /** Asks again even of one that is open, since its settings may have changed since. */
  PrivateKeyStore openOrMake() throws KeyFault {
    return through(stores::openOrMake);
  }

  private PrivateKeyStore through(Way way) throws KeyFault {
    PrivateKeyStore known;
    try {
      known = way.open(name);
    } catch (KeyFault e) {
      unopened =
          new KeyStoreHealth(KeyStoreHealth.State.GONE, "it can't be opened: " + e.getMessage());
      throw e;
    }
    opened = known;
    return known;
  }

  /** Never waits. */
  KeyStoreHealth health() {
    PrivateKeyStore known = opened;
    return known == null ? unopened : known.health();
  }
}
