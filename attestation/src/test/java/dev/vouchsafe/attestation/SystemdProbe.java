package dev.vouchsafe.attestation;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Looks at callers on a machine whose first process is systemd, and prints what it finds: a line
 * {@code name=verdict} for each. {@link SystemdTest} says what must be found.
 */
final class SystemdProbe {
  private final Attestations at;

  private SystemdProbe(Attestations at) {
    this.at = at;
  }

  /**
   * Looks, and prints.
   *
   * @param args a folder to listen in
   */
  public static void main(String[] args) throws Exception {
    try (Attestations at = new Attestations(Path.of(args[0]), new Kernel())) {
      new SystemdProbe(at).run();
    }
  }

  private void run() throws Exception {
    services();
    places();
    scopes();
    restarts();
    forgeries();
    withoutBus();
  }

  private void say(String name, String verdict) {
    System.out.println(name + "=" + verdict);
  }

  private Peer start(String... options) throws IOException {
    List<String> words = new ArrayList<>(List.of("systemd-run", "--quiet", "--pipe", "--wait"));
    words.addAll(List.of(options));
    return Peer.connect(at.listener, Peer.PERL, words.toArray(String[]::new));
  }

  private static String invocation(String unit) throws IOException {
    return Commands.run(List.of("systemctl", "show", "--property=InvocationID", "--value", unit));
  }

  private void services() throws Exception {
    try (Peer peer = start("--unit=edge.service")) {
      say("unit", at.patiently(peer, "systemd:unit:edge.service"));
      say("unit-glob", at.patiently(peer, "systemd:unit:ed*.service"));
      say("unit-other", at.verdict(peer, "systemd:unit:other.service"));
      say("unit-part", at.verdict(peer, "systemd:unit:edg.service"));
      String own = "systemd:unit:edge.service";
      say("slice", at.patiently(peer, own, "systemd:slice:system.slice"));
      say("slice-root", at.patiently(peer, own, "systemd:slice:-.slice"));
      say("slice-other", at.verdict(peer, own, "systemd:slice:user.slice"));
      String id = "systemd:invocation-id:" + invocation("edge.service");
      say("invocation", at.patiently(peer, id));
      say("invocation-other", at.patiently(peer, "systemd:invocation-id:" + "0".repeat(32)));
      say("path", at.patiently(peer, own, "unix:path:" + Peer.PERL.toRealPath()));
    }
    try (Peer peer = start("--unit=user.service", "--property=User=65534")) {
      say("user", at.patiently(peer, "systemd:unit:user.service", "unix:uid:65534"));
      say("user-other", at.patiently(peer, "systemd:unit:user.service", "unix:uid:0"));
    }
    try (Peer peer = start("--unit=hard.service", "--property=PrivateMounts=yes")) {
      say("own-mounts", at.patiently(peer, "systemd:unit:hard.service"));
      say("own-mounts-by-uid", at.verdict(peer, "unix:uid:0"));
    }
  }

  private void places() throws Exception {
    try (Peer peer = start("--unit=at@1.service", "--slice=edge-inner.slice")) {
      say("template", at.patiently(peer, "systemd:unit:at@*.service"));
      String own = "systemd:unit:at@1.service";
      say("inner-slice", at.patiently(peer, own, "systemd:slice:edge-inner.slice"));
      say("outer-slice", at.patiently(peer, own, "systemd:slice:edge.slice"));
      say("system-slice", at.verdict(peer, own, "systemd:slice:system.slice"));
    }
    try (Peer peer = start("--unit=login.service", "--slice=user.slice")) {
      say("below-users", at.verdict(peer, "systemd:unit:login.service"));
      String id = "systemd:invocation-id:" + invocation("login.service");
      say("below-users-invocation", at.verdict(peer, id));
    }
  }

  private void scopes() throws Exception {
    try (Peer peer =
        Peer.connect(
            at.listener, Peer.PERL, "systemd-run", "--quiet", "--scope", "--unit=s1.scope")) {
      say("scope", at.patiently(peer, "systemd:unit:s1.scope"));
    }
    try (Peer peer = Peer.connect(at.listener)) {
      say("no-unit", at.verdict(peer, "systemd:unit:edge.service"));
    }
  }

  private void restarts() throws Exception {
    String first;
    try (Peer peer = start("--unit=again.service")) {
      first = "systemd:invocation-id:" + invocation("again.service");
      say("first-invocation", at.patiently(peer, first));
      Commands.run(List.of("systemctl", "stop", "again.service"));
    }
    try (Peer peer = start("--unit=again.service")) {
      // What was said of the unit is kept for a second.
      String verdict = at.patiently(peer, first);
      long start = System.nanoTime();
      while (verdict.equals("attested") && System.nanoTime() - start < 5_000_000_000L) {
        verdict = at.patiently(peer, first);
      }
      say("old-invocation", verdict);
      say("same-unit", at.patiently(peer, "systemd:unit:again.service"));
    }
  }

  /** Cgroups that root makes here as a service to which its part of the tree was handed could. */
  private void forgeries() throws Exception {
    Path tree = tree();
    try (Peer peer = start("--unit=deep.service", "--property=Delegate=yes")) {
      Path deep = tree.resolve("system.slice/deep.service");
      Path inner = Files.createDirectories(deep.resolve("victim.service"));
      Files.writeString(inner.resolve("cgroup.procs"), Integer.toString(caller(peer)));
      say("below-own-unit", at.patiently(peer, "systemd:unit:deep.service"));
      say("forged-name", at.patiently(peer, "systemd:unit:victim.service"));
    }
    Path forged = Files.createDirectories(tree.resolve("system.slice/ghost.service"));
    try (Peer peer = Peer.connect(at.listener)) {
      Files.writeString(forged.resolve("cgroup.procs"), Long.toString(peer.pid()));
      say("unknown-unit", at.patiently(peer, "systemd:unit:ghost.service"));
    }
    Path user = tree.resolve("system.slice/user@1000.service/edge.service");
    Files.createDirectories(user);
    try (Peer peer = Peer.connect(at.listener)) {
      Files.writeString(user.resolve("cgroup.procs"), Long.toString(peer.pid()));
      say("users-manager", at.patiently(peer, "systemd:unit:edge.service"));
    }
  }

  /** The process that connected, which another one started. */
  private int caller(Peer peer) throws CallerUnknownException {
    try (Caller caller = at.attestor.accept(peer.socket())) {
      return caller.pid();
    }
  }

  private static Path tree() {
    return List.of(
            Path.of("/sys/fs/cgroup/unified"),
            Path.of("/sys/fs/cgroup/systemd"),
            Path.of("/sys/fs/cgroup"))
        .stream()
        .filter(p -> Files.isDirectory(p.resolve("system.slice")))
        .findFirst()
        .orElseThrow();
  }

  private void withoutBus() throws Exception {
    try (Peer peer = start("--unit=last.service")) {
      say("with-bus", at.patiently(peer, "systemd:unit:last.service"));
      Files.delete(Path.of("/run/dbus/system_bus_socket"));
      String verdict = "attested";
      long start = System.nanoTime();
      while (verdict.equals("attested") && System.nanoTime() - start < 5_000_000_000L) {
        verdict = at.verdict(peer, "systemd:unit:last.service");
      }
      say("without-bus", verdict);
      say("without-bus-other", at.verdict(peer, "systemd:unit:other.service"));
    }
  }
}
