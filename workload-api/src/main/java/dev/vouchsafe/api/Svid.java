package dev.vouchsafe.api;

import dev.vouchsafe.ca.IssuedCertificate;
import java.time.Instant;
import java.util.Optional;

/**
 * An X509-SVID (SPIFFE X509-SVID section 2) with its key, for all processes of one registration.
 * What it is handed to first has it put on record durably; the next ones need not wait for that.
 */
final class Svid {
  private final String id;
  private final String hint;
  private final IssuedCertificate issued;
  private final byte[] chain;
  private final byte[] key;
  private volatile boolean onRecord;
  private volatile long goodAsOf = -1;
  private volatile boolean overdue;

  /**
   * @param id its SPIFFE ID
   * @param hint what tells it from its holder's others: the name of its registration
   * @param issued with its private key
   */
  Svid(String id, String hint, IssuedCertificate issued) {
    Optional<String> made = issued.privateKeyPem();
    if (made.isEmpty()) {
      throw new IllegalArgumentException("it was issued without a private key");
    }
    this.id = id;
    this.hint = hint;
    this.issued = issued;
    this.chain = Pem.der(issued.certificatePem());
    this.key = Pem.der(made.get());
  }

  String id() {
    return id;
  }

  String hint() {
    return hint;
  }

  String serial() {
    return issued.serial();
  }

  Instant notAfter() {
    return issued.notAfter();
  }

  Instant renewAfter() {
    return issued.renewAfter();
  }

  /** The chain as DER, leaf first, root left out; itself, not a copy. */
  byte[] chain() {
    return chain;
  }

  /** The private key as PKCS#8 (RFC 5958) in DER; itself, not a copy. */
  byte[] key() {
    return key;
  }

  /** There was to be another one in its place, which could not be made. */
  void overdue() {
    overdue = true;
  }

  boolean isOverdue() {
    return overdue;
  }

  boolean isOnRecord() {
    return onRecord;
  }

  /** It was handed to somebody, which is on record. */
  void handedOut() {
    onRecord = true;
  }

  /** Whether it was found good after the last revocation of that number. */
  boolean isGoodAsOf(long changes) {
    return goodAsOf == changes;
  }

  /** It was not revoked as of that number of revocations. */
  void goodAsOf(long changes) {
    goodAsOf = changes;
  }
}
