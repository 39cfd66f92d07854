/** The command line, the configuration, and the wiring of the daemon. */
@NullMarked
package dev.vouchsafe.cli;

import org.jspecify.annotations.NullMarked;
