package dev.vouchsafe.keys;

import java.util.Set;

/**
 * What a backend can do, told to the contract suite as data.
 *
 * @param kind what its description says
 * @param types the key types that it makes
 */
public record Capabilities(String kind, Set<KeyType> types) {
  public Capabilities {
    types = Set.copyOf(types);
  }
}
