package dev.vouchsafe.tests.bad.attestation;

import dev.vouchsafe.tests.bad.keys.BadStore;
import io.netty.channel.Channel;

/** An attestor that breaks the rules: it knows the key store, and its face shows Netty. */
public final class BadAttestor {
  public void accept(Channel channel, BadStore store) {}
}
