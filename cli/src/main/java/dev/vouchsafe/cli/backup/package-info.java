/** The file that a backup is: how it is written, and how it is read without believing it. */
@NullMarked
package dev.vouchsafe.cli.backup;

import org.jspecify.annotations.NullMarked;
