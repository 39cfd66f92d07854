/** Whom to trust: the versioned trust bundle and its encodings. */
@NullMarked
package dev.vouchsafe.trust;

import org.jspecify.annotations.NullMarked;
