package dev.vouchsafe.tests.bad.audit;

import dev.vouchsafe.tests.bad.keys.BadStore;
import io.netty.channel.Channel;

/** A log that breaks the rules: it reaches for the key store, and knows Netty. */
final class BadLog {
  String describe(BadStore store, Channel channel) {
    return "Bad: " + store.getClass() + channel.id();
  }
}
