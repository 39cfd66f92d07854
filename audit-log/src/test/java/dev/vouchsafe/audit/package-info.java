@NullMarked
package dev.vouchsafe.audit;

import org.jspecify.annotations.NullMarked;
