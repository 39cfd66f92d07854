@NullMarked
package dev.vouchsafe.ca.clock;

import org.jspecify.annotations.NullMarked;
