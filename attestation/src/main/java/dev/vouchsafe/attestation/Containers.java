package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import com.github.benmanes.caffeine.cache.Ticker;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Measures in what container a caller is.
 *
 * <p>The cgroup path says which one, since a container's processes can't leave it and can't see
 * what stands above it. The engine says what that container is; it is believed only if the
 * container's first process, as it names it, stands in the very same cgroup. So neither an engine
 * of somebody's own nor a cgroup that a user gave a container's name is taken for more than it is.
 */
final class Containers implements AutoCloseable {
  /** What an engine says of an id. */
  sealed interface Found {
    /** There is such a container. */
    record Known(ContainerFacts facts) implements Found {}

    /** There is certainly none. */
    record Absent() implements Found {}
  }

  private final Kernel kernel;
  private final ScratchPool pool;
  private final Map<Selector.Engine, Path> sockets;
  private final Asked<String, Found> docker;
  private final Asked<String, Found> podman;

  /**
   * @param sockets of the engines that may be asked
   */
  Containers(Kernel kernel, ScratchPool pool, Map<Selector.Engine, Path> sockets, Ticker ticker) {
    this.kernel = kernel;
    this.pool = pool;
    this.sockets = Map.copyOf(sockets);
    this.docker = new Asked<>("Docker", id -> ask(Selector.Engine.DOCKER, id), ticker);
    this.podman = new Asked<>("Podman", id -> ask(Selector.Engine.PODMAN, id), ticker);
  }

  private Asked<String, Found> asked(Selector.Engine engine) {
    return switch (engine) {
      case DOCKER -> docker;
      case PODMAN -> podman;
    };
  }

  private Found ask(Selector.Engine engine, String id) throws IOException {
    Path socket = sockets.get(engine);
    if (socket == null) {
      throw new IOException("the configuration doesn't allow to ask " + engine.text());
    }
    Duration limit = Asked.PATIENCE;
    EngineHttp.Answer answer =
        new EngineHttp(socket, limit, pool).get("/containers/" + id + "/json");
    if (answer.status() == 404) {
      return new Found.Absent();
    }
    if (answer.status() != 200) {
      throw new IOException("it answers with status " + answer.status());
    }
    ContainerFacts facts = ContainerFacts.parse(answer.body());
    if (!facts.id().equals(id)) {
      throw new IOException("it answers for another container than was asked for");
    }
    return new Found.Known(facts);
  }

  private static Optional<Cgroups.Container> in(ProcessCaller caller) {
    return Cgroups.parse(caller.first().cgroup().toArray(JAVA_BYTE)).container();
  }

  /** What the cgroup alone says against it, so that nobody need be asked; null if nothing. */
  static @Nullable Finding withoutAsking(ProcessCaller caller, Selector selector) {
    Optional<Cgroups.Container> in = in(caller);
    return in.isEmpty()
        ? Finding.of(false, "in no container of a system-wide Docker or Podman")
        : ruledOut(in.get(), selector);
  }

  /** The caller has been entered, and its cgroup compared with that of the first look. */
  Finding check(Scratch s, ProcessCaller caller, Selector selector) {
    Finding ruledOut = withoutAsking(caller, selector);
    if (ruledOut != null) {
      return ruledOut;
    }
    Cgroups.Container container = in(caller).orElseThrow();
    Asked<String, Found> engine = asked(container.engine());
    try {
      Found found = engine.get(caller.uid(), container.id());
      if (found instanceof Found.Known(ContainerFacts facts) && isElsewhere(s, container, facts)) {
        // That process may have ended since, and another one have its number.
        found = engine.again(caller.uid(), container.id(), found);
      }
      return switch (found) {
        case Found.Absent() ->
            Finding.of(false, container.engine().text() + " knows no container " + container.id());
        case Found.Known(ContainerFacts facts) -> check(s, container, facts, selector);
      };
    } catch (IOException e) {
      return Finding.unavailable(
          "measurement-timeout", container.engine().text() + ": " + e.getMessage());
    }
  }

  private boolean isElsewhere(Scratch s, Cgroups.Container container, ContainerFacts facts) {
    byte[] cgroup = cgroup(s, facts);
    return cgroup != null && !isOf(container, cgroup);
  }

  private byte @Nullable [] cgroup(Scratch s, ContainerFacts facts) {
    return facts.pid() > 0 ? Looks.readAll(kernel, s, facts.pid(), "cgroup") : null;
  }

  private static boolean isOf(Cgroups.Container container, byte[] cgroup) {
    return Cgroups.parse(cgroup).container().equals(Optional.of(container));
  }

  private static @Nullable Finding ruledOut(Cgroups.Container container, Selector selector) {
    return switch (selector) {
      case Selector.ContainerEngine wanted when wanted.engine() != container.engine() ->
          Finding.of(false, "a container of " + container.engine().text());
      case Selector.ContainerId wanted when !wanted.id().equals(container.id()) ->
          Finding.of(false, "container " + container.id());
      default -> null;
    };
  }

  private Finding check(
      Scratch s, Cgroups.Container container, ContainerFacts facts, Selector selector) {
    byte[] cgroup = cgroup(s, facts);
    if (cgroup == null) {
      // Its first process ended and took all others along, or what the engine said is a second old.
      return Finding.unavailable(
          "measurement-timeout",
          "the first process of container " + container.id() + " isn't there: ask again");
    }
    if (!isOf(container, cgroup)) {
      return Finding.of(
          false,
          "its cgroup has the name of container "
              + container.id()
              + ", whose first process is in another one");
    }
    return compare(facts, selector);
  }

  private static Finding compare(ContainerFacts facts, Selector selector) {
    return switch (selector) {
      case Selector.ContainerEngine wanted -> Finding.of(true, wanted.engine().text());
      case Selector.ContainerId wanted -> Finding.of(wanted.id().equals(facts.id()), facts.id());
      case Selector.ContainerName wanted -> glob(wanted.name(), facts.name());
      case Selector.ContainerImage wanted -> glob(wanted.image(), facts.image());
      case Selector.ContainerImageDigest wanted ->
          Finding.of(wanted.digest().equals(facts.imageDigest()), facts.imageDigest());
      case Selector.ContainerLabel wanted -> {
        String value = facts.labels().get(wanted.key());
        yield value == null
            ? Finding.of(false, "it has no such label")
            : glob(wanted.value(), value);
      }
      default -> throw new IllegalArgumentException("not a container's: " + selector.text());
    };
  }

  private static Finding glob(String wanted, String measured) {
    return Finding.of(Glob.matches(wanted, measured), Quoted.of(measured));
  }

  @Override
  public void close() {
    docker.close();
    podman.close();
  }
}
