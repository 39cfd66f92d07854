/** The program as it ships, driven from outside, and the rules that its sources keep. */
@NullMarked
package dev.vouchsafe.tests;

import org.jspecify.annotations.NullMarked;
