/**
 * The demonstration: the whole story in a throw-away home. It uses nothing but the program's own
 * commands, openssl and the JDK, as any user would.
 */
@NullMarked
package dev.vouchsafe.cli.demo;

import org.jspecify.annotations.NullMarked;
