package dev.vouchsafe.ca;

import java.time.Instant;
import java.util.List;

/**
 * What a leaf is to say, every name of it through the gate.
 *
 * @param profile what it is for
 * @param subject the subject's attributes, one of them its common name, none over its longest
 * @param names the SANs, each once; may be empty where the profile requires none
 * @param notBefore start of the validity, whole seconds
 * @param notAfter last second of the validity
 * @param renewAfter when to ask for the next
 */
record LeafPlan(
    LeafProfile profile,
    List<SubjectTemplate.Part> subject,
    List<SanName> names,
    Instant notBefore,
    Instant notAfter,
    Instant renewAfter) {
  /** The longest CN that X.509 allows (RFC 5280 appendix A.1, ub-common-name). */
  static final int LONGEST_COMMON_NAME = 64;

  LeafPlan {
    subject = List.copyOf(subject);
    names = List.copyOf(names);
  }

  /** The common name in the subject. */
  String commonName() {
    return subject.stream()
        .filter(part -> part.type() == SubjectTemplate.Type.CN)
        .map(SubjectTemplate.Part::text)
        .findAny()
        .orElseThrow(() -> new IllegalStateException("every template has a common name"));
  }

  /** As much of a name as fits a CN. */
  static String commonName(String name) {
    return SubjectTemplate.cut(name, LONGEST_COMMON_NAME);
  }
}
