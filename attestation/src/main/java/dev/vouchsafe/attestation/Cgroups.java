package dev.vouchsafe.attestation;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.StringTokenizer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where a process stands in the trees of cgroups, as {@code /proc/PID/cgroup} says (cgroups(7)).
 *
 * <p>Only root makes a cgroup at the root of a tree, and in {@code system.slice} and {@code
 * machine.slice}. What lies below the slice or the service of a user is that user's to name, and so
 * is what a container's own processes make below the container's cgroup.
 */
final class Cgroups {
  /**
   * The container that a process is in.
   *
   * @param id 64 lower-case hex digits
   * @param prefixes for each hierarchy that shows it, the path down to the container's own cgroup
   */
  record Container(Selector.Engine engine, String id, List<String> prefixes) {
    Container {
      prefixes = List.copyOf(prefixes);
    }
  }

  /** A line of the file. */
  private record Line(String head, String path) {}

  /** A container's id, and the path down to its own cgroup. */
  private record Place(String id, String path) {}

  private static final String SYSTEM = "/system.slice/";
  private static final String ID = "([0-9a-f]{64})";

  /**
   * Where the engines put containers, always from the root of the tree on, so that the outermost
   * one is found and nothing that lies deeper counts.
   */
  private static final List<Pattern> DOCKER =
      List.of(
          Pattern.compile("/docker/" + ID + "(?=/|$)"),
          Pattern.compile("/system\\.slice/docker-" + ID + "\\.scope(?=/|$)"));

  private static final List<Pattern> PODMAN =
      List.of(
          Pattern.compile("/machine\\.slice/libpod-" + ID + "\\.scope(?=/|$)"),
          Pattern.compile("/libpod_parent/libpod-" + ID + "(?=/|$)"));

  /**
   * Where Podman puts a container that a service of systemd starts (Quadlet): straight below that
   * service. It may run as any user, who can give a cgroup there this name; so here and everywhere
   * the engine must say too that the container's first process stands there.
   */
  private static final Pattern PAYLOAD = Pattern.compile("libpod-payload-" + ID);

  private final List<Line> lines;

  private Cgroups(List<Line> lines) {
    this.lines = lines;
  }

  /** Reads the file's text. */
  static Cgroups parse(byte[] text) {
    List<Line> lines = new ArrayList<>();
    StringTokenizer tokens = new StringTokenizer(new String(text, StandardCharsets.UTF_8), "\n");
    while (tokens.hasMoreTokens()) {
      String line = tokens.nextToken();
      int first = line.indexOf(':');
      int second = line.indexOf(':', first + 1);
      if (first > 0 && second > 0 && line.startsWith("/", second + 1)) {
        lines.add(new Line(line.substring(0, second + 1), line.substring(second + 1)));
      }
    }
    return new Cgroups(lines);
  }

  /**
   * The path in systemd's tree: its own hierarchy where that is in use (cgroup v1 and hybrid), else
   * the unified one.
   */
  Optional<String> systemd() {
    Optional<String> own = path("name=systemd:").filter(path -> !path.equals("/"));
    return own.isPresent() ? own : path("0::");
  }

  private Optional<String> path(String end) {
    return lines.stream()
        .filter(line -> end.equals("0::") ? line.head.equals(end) : line.head.endsWith(":" + end))
        .map(Line::path)
        .findFirst();
  }

  /**
   * The outermost container of Docker or Podman that the process is in; empty if there is none, or
   * if the hierarchies name several.
   */
  Optional<Container> container() {
    Selector.Engine engine = null;
    String id = "";
    List<String> prefixes = new ArrayList<>();
    for (Line line : lines) {
      for (Selector.Engine candidate : Selector.Engine.values()) {
        Place place = place(candidate, line.path);
        if (place == null) {
          continue;
        }
        if (engine != null && !(engine == candidate && id.equals(place.id))) {
          return Optional.empty();
        }
        engine = candidate;
        id = place.id;
        prefixes.add(line.head + place.path);
      }
    }
    return engine == null ? Optional.empty() : Optional.of(new Container(engine, id, prefixes));
  }

  private static @Nullable Place place(Selector.Engine engine, String path) {
    for (Pattern pattern : engine == Selector.Engine.DOCKER ? DOCKER : PODMAN) {
      Matcher matcher = pattern.matcher(path);
      if (matcher.lookingAt()) {
        return new Place(matcher.group(1), matcher.group());
      }
    }
    return engine == Selector.Engine.PODMAN ? ofService(path) : null;
  }

  private static @Nullable Place ofService(String path) {
    int start = SYSTEM.length();
    if (!path.startsWith(SYSTEM)) {
      return null;
    }
    while (true) {
      int end = path.indexOf('/', start);
      if (end < 0) {
        return null;
      }
      String segment = path.substring(start, end);
      start = end + 1;
      if (segment.endsWith(".service")) {
        break;
      }
      if (!segment.endsWith(".slice")) {
        return null;
      }
    }
    int end = path.indexOf('/', start);
    String upTo = end < 0 ? path : path.substring(0, end);
    Matcher matcher = PAYLOAD.matcher(upTo.substring(start));
    return matcher.matches() ? new Place(matcher.group(1), upTo) : null;
  }
}
