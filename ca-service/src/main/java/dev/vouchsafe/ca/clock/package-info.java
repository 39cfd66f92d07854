/** What time it is, and how far that may be believed. */
@NullMarked
package dev.vouchsafe.ca.clock;

import org.jspecify.annotations.NullMarked;
