package dev.vouchsafe.tests.bad.ca;

import dev.vouchsafe.tests.bad.attestation.BadAttestor;
import picocli.CommandLine;

/** An authority that breaks the rules: it knows the attestor and the command line's parser. */
public final class BadAuthority {
  void issueTo(BadAttestor attestor, CommandLine line) {}
}
