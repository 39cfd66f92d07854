/**
 * What was decided: an append-only log of JSON lines, each bound to the one before it by a hash,
 * with checkpoints that the audit key signs. It knows none of the other modules: what is to be
 * recorded, and who signs, comes from those who use it.
 */
@NullMarked
package dev.vouchsafe.audit;

import org.jspecify.annotations.NullMarked;
