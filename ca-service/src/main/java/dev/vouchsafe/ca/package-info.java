/** What is issued: authorities, profiles and the ledger. */
@NullMarked
package dev.vouchsafe.ca;

import org.jspecify.annotations.NullMarked;
