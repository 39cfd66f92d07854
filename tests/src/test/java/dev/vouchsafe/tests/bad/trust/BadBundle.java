package dev.vouchsafe.tests.bad.trust;

import dev.vouchsafe.tests.bad.ca.BadAuthority;
import org.bouncycastle.asn1.x509.Certificate;

/** A bundle that breaks the rules: it knows the CA and Bouncy Castle. */
final class BadBundle {
  int size(BadAuthority authority, Certificate root) {
    return root.getVersionNumber() + authority.hashCode();
  }
}
