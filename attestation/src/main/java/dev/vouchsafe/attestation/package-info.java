/** Who is calling: registrations, what they demand of a caller, and the verdict. */
@NullMarked
package dev.vouchsafe.attestation;

import org.jspecify.annotations.NullMarked;
