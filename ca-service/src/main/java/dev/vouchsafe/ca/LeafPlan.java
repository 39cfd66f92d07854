package dev.vouchsafe.ca;

import java.time.Instant;
import java.util.List;

/**
 * What a leaf is to say, every name of it through the gate.
 *
 * @param profile what it is for
 * @param commonName the subject's only attribute, at most 64 characters
 * @param names the SANs, each once; may be empty in the identity profile
 * @param notBefore start of the validity, whole seconds
 * @param notAfter last second of the validity
 * @param renewAfter when to ask for the next
 */
record LeafPlan(
    Profile profile,
    String commonName,
    List<SanName> names,
    Instant notBefore,
    Instant notAfter,
    Instant renewAfter) {
  /** The longest CN that X.509 allows (RFC 5280 appendix A.1, ub-common-name). */
  static final int LONGEST_COMMON_NAME = 64;

  LeafPlan {
    names = List.copyOf(names);
  }

  /** As much of a name as fits a CN. */
  static String commonName(String name) {
    return name.length() <= LONGEST_COMMON_NAME ? name : name.substring(0, LONGEST_COMMON_NAME);
  }
}
