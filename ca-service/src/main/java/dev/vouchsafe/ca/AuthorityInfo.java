package dev.vouchsafe.ca;

import java.security.cert.X509Certificate;
import java.util.List;

/**
 * One generation of an authority, as an administrator sees it.
 *
 * @param id stable name, such as {@code root-1}, {@code device-1} or {@code issuing-1}
 * @param role what it does
 * @param state where it stands
 * @param keyStore name of the store that holds its key; {@code memory} for an issuing CA, {@link
 *     #OUTSIDE} for one whose key others have
 * @param certificate its certificate
 * @param above the certificates over it, nearest first, up to one that is signed by itself; of a
 *     root only, and only if it is from outside and not signed by itself
 */
public record AuthorityInfo(
    String id,
    Role role,
    State state,
    String keyStore,
    X509Certificate certificate,
    List<X509Certificate> above) {
  /** In the place of a key store's name: the key is with others. */
  public static final String OUTSIDE = "outside";

  public AuthorityInfo {
    above = List.copyOf(above);
  }

  /** One with none over it from outside. */
  public AuthorityInfo(
      String id, Role role, State state, String keyStore, X509Certificate certificate) {
    this(id, role, state, keyStore, certificate, List.of());
  }

  /** Of a root, the certificate that those who verify trust: it, or the last one over it. */
  public X509Certificate anchor() {
    return above.isEmpty() ? certificate : above.getLast();
  }

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
