package dev.vouchsafe.ca;

import java.security.cert.X509Certificate;

/**
 * One generation of an authority, as an administrator sees it.
 *
 * @param id stable name, such as {@code root-1}, {@code device-1} or {@code issuing-1}
 * @param role what it does
 * @param state where it stands
 * @param keyStore name of the store that holds its key; {@code memory} for an issuing CA
 * @param certificate its certificate
 */
public record AuthorityInfo(
    String id, Role role, State state, String keyStore, X509Certificate certificate) {
  /** What an authority does. */
  public enum Role {
    /** The trust anchor. */
    ROOT,
    /** The authority that issues, or has an issuing CA do so. */
    DEVICE,
    /** A short-lived delegate of the device CA, whose key is in memory only. */
    ISSUING
  }

  /** Where an authority stands in its life. */
  public enum State {
    PREPARED,
    PUBLISHED,
    ACTIVE,
    RETIRING,
    RETIRED
  }
}
