package dev.vouchsafe.ca;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Takes back what was issued, and tells the world. What is revoked is so for ever.
 *
 * <p>A revocation is on the disk before it is acknowledged. Publishing it needs the authority's
 * key: if that is away, the last list goes on being served, and {@link #lists} says what it lacks.
 */
public interface Revocations {
  /** In octets: longer ones are malformed. */
  int LONGEST_OCSP_REQUEST = 4096;

  /** Has the lists made and kept up to date from now on: there is somebody to read them. */
  void serve();

  /**
   * Revokes. Doing so again changes nothing, neither time nor reason.
   *
   * @throws IssuanceException {@link IssuanceException.Reason#CERTIFICATE_UNKNOWN} if one of the
   *     serials is in no row of the ledger, or the module has none and isn't registered; {@link
   *     IssuanceException.Reason#CERTIFICATE_ENDED} if one has ended, and the time is certain;
   *     nothing is changed in both cases
   */
  RevocationResult revoke(RevocationOrder order) throws IssuanceException;

  /**
   * Lets a module have certificates and tokens again, whose certificates were revoked.
   *
   * @param generation only that one; empty for all
   * @return the generations that were denied
   */
  List<String> allow(String module, Optional<String> generation) throws IssuanceException;

  /**
   * Revokes tokens by their ids, all or none.
   *
   * @param administrator the user id of whoever asks
   * @return how many were not revoked before
   * @throws IssuanceException {@link IssuanceException.Reason#CERTIFICATE_UNKNOWN} if one of the
   *     ids was never reserved
   */
  long revokeTokens(List<String> ids, long administrator) throws IssuanceException;

  /** The ids of revoked tokens that may live, as a JSON object with {@code items}. */
  String revokedTokens();

  /** Why the file of revoked tokens can't be written; empty if it can. */
  String revokedTokensFault();

  /**
   * How the certificate of that serial was revoked, if it was, itself or with its authority.
   * Whoever takes client certificates asks here.
   */
  Optional<RevokedCertificate> find(String serial) throws IssuanceException;

  /** The serials of those entries that are revoked, themselves or with their authority. */
  Set<String> among(List<LedgerEntry> entries) throws IssuanceException;

  /**
   * A number that rises whenever certificates are revoked: whoever has one for itself had better
   * get another. Never waits.
   */
  long changes();

  /** The ids of authorities that are revoked as a whole. Never waits. */
  List<String> distrusted();

  /** How many are revoked and have not ended. */
  long living() throws IssuanceException;

  /** How the list of each authority stands. Never waits. */
  List<RevocationListStatus> lists();

  /**
   * Answers an OCSP request (RFC 6960), whatever it is.
   *
   * @param request its DER, which may be {@link #LONGEST_OCSP_REQUEST} octets long
   * @param asker whose share of what is signed it is counted against, such as a network address
   */
  OcspAnswer ocsp(byte[] request, Object asker);

  /** The list of that authority, if one was ever signed. Never waits. */
  Optional<RevocationList> list(String authority);
}
