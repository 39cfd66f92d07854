package dev.vouchsafe.attestation;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** A listener and an attestor, as a service has them. */
final class Attestations implements AutoCloseable {
  final Path folder;
  final Listener listener;
  final Attestor attestor;

  Attestations(Path folder, Kernel kernel) throws IOException {
    this(folder, kernel, ExecutableHashes.Limits.DEFAULT);
  }

  Attestations(Path folder, Kernel kernel, ExecutableHashes.Limits limits) throws IOException {
    this(folder, AttestationSettings.defaults(), kernel, limits);
  }

  Attestations(
      Path folder, AttestationSettings settings, Kernel kernel, ExecutableHashes.Limits limits)
      throws IOException {
    this.folder = folder;
    // Other users must be able to connect and to run what lies here.
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    this.listener = new Listener(folder.resolve("s"));
    this.attestor = Attestors.open(settings, kernel, limits);
  }

  /** The own user id as a selector. */
  static String ownUid() {
    return "unix:uid:" + Samples.uid();
  }

  /** Accepts and measures once. */
  String verdict(Peer peer, String... selectors) throws CallerUnknownException {
    try (Caller caller = attestor.accept(peer.socket())) {
      return reason(attestor.measure(caller, Samples.registration("m", selectors)));
    }
  }

  /** As a module does: what can't be told now is asked again, for a while. */
  String patiently(Peer peer, String... selectors) throws CallerUnknownException {
    long start = System.nanoTime();
    String verdict = verdict(peer, selectors);
    while (verdict.startsWith("unavailable") && System.nanoTime() - start < 20_000_000_000L) {
      verdict = verdict(peer, selectors);
    }
    return verdict;
  }

  /** Accepts, measures and hands out what was found of each selector. */
  List<SelectorResult> results(Peer peer, String... selectors) throws CallerUnknownException {
    try (Caller caller = attestor.accept(peer.socket())) {
      return attestor.measure(caller, Samples.registration("m", selectors)).results();
    }
  }

  /** A perl of its own, which a test may change. */
  Path copyOfPerl(String name) throws IOException {
    Path copy = Files.copy(Peer.PERL.toRealPath(), folder.resolve(name));
    Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rwxr-xr-x"));
    return copy;
  }

  static String reason(Verdict verdict) {
    return switch (verdict) {
      case Verdict.Attested _ -> "attested";
      case Verdict.Refused refused -> "refused: " + refused.reason();
      case Verdict.Unavailable unavailable -> "unavailable: " + unavailable.reason();
    };
  }

  @Override
  public void close() {
    attestor.close();
    listener.close();
  }
}
