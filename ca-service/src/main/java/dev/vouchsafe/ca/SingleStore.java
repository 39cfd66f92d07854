package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.PrivateKeyStore;

/** One store for all authorities. */
final class SingleStore implements AuthorityStores {
  private final PrivateKeyStore store;
  private final String name;

  SingleStore(PrivateKeyStore store) {
    this.store = store;
    this.name = store.describe().kind();
  }

  @Override
  public String chosen(AuthorityInfo.Role role) {
    return name;
  }

  @Override
  public PrivateKeyStore open(String wanted) throws KeyFault {
    if (!wanted.equals(name)) {
      throw new KeyFault.Failed("there is no key store '" + wanted + "', only '" + name + "'");
    }
    return store;
  }

  @Override
  public PrivateKeyStore openOrMake(String wanted) throws KeyFault {
    return open(wanted);
  }
}
