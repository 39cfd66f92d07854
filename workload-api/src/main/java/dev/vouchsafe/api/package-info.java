/** How it is asked: the front ends on the Unix sockets and on https. */
@NullMarked
package dev.vouchsafe.api;

import org.jspecify.annotations.NullMarked;
