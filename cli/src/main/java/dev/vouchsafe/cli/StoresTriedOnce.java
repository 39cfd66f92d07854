package dev.vouchsafe.cli;

import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.AuthorityStores;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.PrivateKeyStore;
import java.util.HashMap;
import java.util.Map;

/** Key stores of which each that failed is not tried again: a PIN has so many tries only. */
final class StoresTriedOnce implements AuthorityStores {
  private final AuthorityStores stores;
  private final Map<String, KeyFault> failed = new HashMap<>();

  StoresTriedOnce(AuthorityStores stores) {
    this.stores = stores;
  }

  @Override
  public String chosen(AuthorityInfo.Role role) throws KeyFault.Failed {
    return stores.chosen(role);
  }

  @Override
  public PrivateKeyStore open(String name) throws KeyFault {
    KeyFault before = failed.get(name);
    if (before != null) {
      throw before;
    }
    try {
      return stores.open(name);
    } catch (KeyFault e) {
      failed.put(name, e);
      throw e;
    }
  }

  @Override
  public PrivateKeyStore openOrMake(String name) throws KeyFault {
    return open(name);
  }
}
