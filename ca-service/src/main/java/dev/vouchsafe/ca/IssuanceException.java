package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Why nothing was issued. The code is a published contract: docs/errors.md lists each. */
public final class IssuanceException extends Exception {
  private static final long serialVersionUID = 1L;

  /** The reasons, each with its stable code. */
  public enum Reason {
    /** The registration doesn't grant that profile. */
    PROFILE_NOT_GRANTED("profile-not-granted", Kind.REFUSED),
    /** A name asked for, in the request or in the CSR, is outside the registration. */
    NAME_NOT_GRANTED("name-not-granted", Kind.REFUSED),
    /** There is no name to put into the certificate, and the profile needs one. */
    NO_NAME("no-name", Kind.REFUSED),
    /** The CSR can't be read. */
    CSR_MALFORMED("csr-malformed", Kind.INVALID),
    /** The CSR's signature doesn't prove possession of its key (RFC 2986 section 3). */
    CSR_SIGNATURE("csr-signature", Kind.INVALID),
    /** The CSR asks for what no module gets: CA:TRUE, or a key usage beyond the profile. */
    CSR_EXTENSION("csr-extension", Kind.INVALID),
    /** The key is of a kind or size that we don't certify, or known to be weak. */
    WEAK_KEY("weak-key", Kind.INVALID),
    /** A field of the request has an impossible value; the message names it. */
    REQUEST_INVALID("request-invalid", Kind.INVALID),
    /** The certificate would not have passed the lint; nothing was signed. */
    LINT("lint", Kind.FAILED),
    /** The registration doesn't grant one of the audiences that a token was asked for. */
    AUDIENCE_NOT_GRANTED("audience-not-granted", Kind.REFUSED),
    /** The ciphertext was changed, is another module's, or was made with another iv. */
    CIPHERTEXT_INVALID("ciphertext-invalid", Kind.INVALID),
    /** The key store is away. */
    KEY_STORE_UNAVAILABLE("key-store-unavailable", Kind.UNAVAILABLE),
    /** The ledger can't take the intent: disk full, or closing. */
    LEDGER_UNAVAILABLE("ledger-unavailable", Kind.UNAVAILABLE),
    /** No authority can issue now: not yet valid, or ended. */
    AUTHORITY_UNAVAILABLE("authority-unavailable", Kind.UNAVAILABLE),
    /** The time isn't known, and what was asked for needs it. */
    CLOCK_UNTRUSTED("clock-untrusted", Kind.UNAVAILABLE),
    /** The registration has as many living certificates as the operator allows. */
    TOO_MANY_CERTIFICATES("too-many-certificates", Kind.LIMITED),
    /** No authority is in a state in which that step can be taken. */
    AUTHORITY_STATE("authority-state", Kind.INVALID),
    /** The step can be taken in a moment: {@link IssuanceException#again} says when. */
    AUTHORITY_WAITS("authority-waits", Kind.UNAVAILABLE),
    /** The module's certificates were revoked, and it gets none until that is lifted. */
    MODULE_REVOKED("module-revoked", Kind.REFUSED),
    /** Nothing of that serial number or module was ever issued. */
    CERTIFICATE_UNKNOWN("certificate-unknown", Kind.INVALID),
    /** The certificate has ended: there is nothing to revoke. */
    CERTIFICATE_ENDED("certificate-ended", Kind.INVALID),
    /** The ledger was restored from a backup, and nobody has accepted yet what it may not know. */
    GAP_NOT_ACCEPTED("gap-not-accepted", Kind.UNAVAILABLE),
    /** The key store failed, or signed wrongly: the signature did not verify. */
    SIGNATURE_FAILED("signature-failed", Kind.FAILED);

    private final String code;
    private final Kind kind;

    Reason(String code, Kind kind) {
      this.code = code;
      this.kind = kind;
    }

    /** The stable code on the wire. */
    public String code() {
      return code;
    }

    /** What sort of answer that is. */
    public Kind kind() {
      return kind;
    }
  }

  /** The sorts of answer; the front ends map each to a status. */
  public enum Kind {
    /** The request is wrong in itself (400). */
    INVALID,
    /** The caller may not have that (403). */
    REFUSED,
    /** May pass (503 with Retry-After). */
    UNAVAILABLE,
    /** Passes by itself, as time goes by (429 with Retry-After). */
    LIMITED,
    /** Our own failure (500). */
    FAILED
  }

  private final Reason reason;
  private final @Nullable Duration again;

  public IssuanceException(Reason reason, String message) {
    super(message);
    this.reason = reason;
    this.again = null;
  }

  public IssuanceException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
    this.again = cause instanceof IssuanceException known ? known.again : null;
  }

  /**
   * What passes by itself.
   *
   * @param again after how long
   */
  public IssuanceException(Reason reason, String message, Duration again) {
    super(message);
    this.reason = reason;
    this.again = again;
  }

  public Reason reason() {
    return reason;
  }

  /** After how long the same may be asked again, where that is known. */
  public Optional<Duration> again() {
    return Optional.ofNullable(again);
  }
}
