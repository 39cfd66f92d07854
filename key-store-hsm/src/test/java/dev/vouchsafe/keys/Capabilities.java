package dev.vouchsafe.keys;

import java.util.Set;

/**
 * What a backend can do, told to the contract suite as data.
 *
 * @param kind what its description says
 * @param makes the key types that it is tried with; a slow backend names a few of those it makes
 * @param refuses the key types that it can't make
 * @param slow whether a call takes so long that of some thousand cases only some are tried
 */
public record Capabilities(String kind, Set<KeyType> makes, Set<KeyType> refuses, boolean slow) {
  public Capabilities {
    makes = Set.copyOf(makes);
    refuses = Set.copyOf(refuses);
  }

  /** Of a backend that is fast. */
  public Capabilities(String kind, Set<KeyType> makes, Set<KeyType> refuses) {
    this(kind, makes, refuses, false);
  }
}
