package dev.vouchsafe.tests.bad.api;

import dev.vouchsafe.tests.bad.keys.BadStore;

/** A server that breaks the rules: it reaches past the CA to the key store. */
final class BadServer {
  String describe(BadStore store) {
    return "Bad: " + store.getClass();
  }
}
