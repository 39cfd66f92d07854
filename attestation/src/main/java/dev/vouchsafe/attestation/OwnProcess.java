package dev.vouchsafe.attestation;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What our own process is, and so what we can see of others.
 *
 * @param host tells processes of our host from those of containers
 * @param seesOthers whether we may look at every process
 * @param limits what can't be seen or ruled out, for people
 */
record OwnProcess(HostProcesses host, boolean seesOthers, List<String> limits) {
  private static final int CAP_DAC_OVERRIDE = 1;
  private static final int CAP_DAC_READ_SEARCH = 2;
  private static final int CAP_SYS_PTRACE = 19;
  private static final Pattern CAPABILITIES =
      Pattern.compile("^CapEff:\\s*([0-9a-f]{1,16})$", Pattern.MULTILINE);

  OwnProcess {
    limits = List.copyOf(limits);
  }

  /**
   * Looks.
   *
   * @throws IllegalStateException if {@code /proc} isn't there or isn't that of our pid namespace
   */
  static OwnProcess look(AttestationSettings settings, Kernel kernel, Scratch s) {
    int pid = Libc.getpid(s);
    int length = Libc.readlink(s, s.path("/proc/self"), s.buffer, Scratch.BUFFER_BYTES);
    String self = length < 0 ? "" : new String(s.bytes(length), StandardCharsets.US_ASCII);
    if (!self.equals(Integer.toString(pid))) {
      throw new IllegalStateException(
          "/proc isn't that of our pid namespace, so nothing could be said of any caller");
    }
    byte[] cgroup = file(kernel, s, pid, "cgroup");
    byte[] status = file(kernel, s, pid, "status");
    List<String> limits = new ArrayList<>();
    KernelLimits.find(kernel, s, limits);
    long capabilities = capabilities(status);
    boolean seesOthers = has(capabilities, CAP_SYS_PTRACE);
    if (!seesOthers) {
      limits.add(
          "without CAP_SYS_PTRACE only processes of our own user can be measured; others get"
              + " \"unavailable\", and so does every strict registration: give the service"
              + " CAP_SYS_PTRACE, or run it as root");
    }
    if (!has(capabilities, CAP_DAC_READ_SEARCH) && !has(capabilities, CAP_DAC_OVERRIDE)) {
      limits.add(
          "without CAP_DAC_READ_SEARCH these are \"unavailable\": unix:sha256 of an executable that"
              + " we may not read, unix:path in a folder that we may not enter, and strict"
              + " registrations: give the service CAP_DAC_READ_SEARCH, or run it as root");
    }
    engine("docker", settings.docker(), limits);
    engine("podman", settings.podman(), limits);
    return new OwnProcess(HostProcesses.ofOurs(kernel, s, pid, cgroup), seesOthers, limits);
  }

  /** An engine that isn't there is nothing to be told of. */
  private static void engine(String engine, Optional<Path> socket, List<String> limits) {
    socket
        .filter(path -> Files.exists(path) && !Files.isWritable(path))
        .ifPresent(path ->
            limits.add(
                "we may not connect to "
                    + path
                    + ", so container: selectors of "
                    + engine
                    + " are \"unavailable\": put the service's user into the socket's group, or set"
                    + " [attestation] "
                    + engine
                    + " to another socket or \"off\""));
  }

  private static byte[] file(Kernel kernel, Scratch s, int pid, String name) {
    byte[] content = Looks.readAll(kernel, s, pid, name);
    if (content == null) {
      throw new IllegalStateException("/proc/self/" + name + " can't be read");
    }
    return content;
  }

  private static long capabilities(byte[] status) {
    Matcher matcher = CAPABILITIES.matcher(new String(status, StandardCharsets.ISO_8859_1));
    return matcher.find() ? Long.parseUnsignedLong(matcher.group(1), 16) : 0;
  }

  private static boolean has(long capabilities, int capability) {
    return (capabilities >>> capability & 1) == 1;
  }
}
