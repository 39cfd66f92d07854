@NullMarked
package dev.vouchsafe.api;

import org.jspecify.annotations.NullMarked;
