/**
 * Tests of what is issued, most of them as somebody who wants more than the registration grants.
 */
@NullMarked
package dev.vouchsafe.ca;

import org.jspecify.annotations.NullMarked;
