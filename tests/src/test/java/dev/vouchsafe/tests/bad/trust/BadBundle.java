package dev.vouchsafe.tests.bad.trust;

import com.nimbusds.jose.jwk.JWKSet;
import dev.vouchsafe.tests.bad.ca.BadAuthority;
import org.bouncycastle.asn1.x509.Certificate;

/** A bundle that breaks the rules: it knows the CA, Bouncy Castle and the tokens' library. */
final class BadBundle {
  int size(BadAuthority authority, Certificate root, JWKSet keys) {
    return root.getVersionNumber() + authority.hashCode() + keys.size();
  }
}
