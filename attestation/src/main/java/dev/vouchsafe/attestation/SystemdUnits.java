package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import com.github.benmanes.caffeine.cache.Ticker;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Measures which unit of the system manager a caller belongs to.
 *
 * <p>The cgroup path names a unit; the manager says where that unit's cgroup is, and the two must
 * be one. So a cgroup that a user, or a service to which its own part of the tree was handed, gave
 * the name of a unit is not taken for that unit. Nobody is asked about a caller whose cgroup
 * doesn't bear the wanted name.
 */
final class SystemdUnits implements AutoCloseable {
  private static final String USERS = "/user.slice/";
  private static final String SLICE = ".slice";

  private final Asked<String, UnitFacts> manager;

  SystemdUnits(Asked.Source<String, UnitFacts> manager, Ticker ticker) {
    this.manager = new Asked<>("systemd", manager, ticker);
  }

  private static String path(ProcessCaller caller) {
    return Cgroups.parse(caller.first().cgroup().toArray(JAVA_BYTE)).systemd().orElse("/");
  }

  /** What the cgroup alone says against it, so that nobody need be asked; null if nothing. */
  static @Nullable Finding withoutAsking(ProcessCaller caller, Selector selector) {
    String path = path(caller);
    if (path.equals("/")) {
      return Finding.of(false, "its cgroup is no unit's");
    }
    if (ofUser(path)) {
      return Finding.of(false, "its cgroup is one of a user's own manager: " + Quoted.of(path));
    }
    String own = SystemdNames.ownUnit(path);
    boolean named =
        switch (selector) {
          case Selector.SystemdUnit wanted -> Glob.matches(wanted.unit(), own);
          case Selector.SystemdInvocationId _ -> own.endsWith(".service") || own.endsWith(".scope");
          case Selector.SystemdSlice wanted ->
              slices(path).stream().anyMatch(slice -> Glob.matches(wanted.slice(), slice));
          default -> throw new IllegalArgumentException("not systemd's: " + selector.text());
        };
    if (!named) {
      return Finding.of(false, Quoted.of(path));
    }
    return selector instanceof Selector.SystemdSlice || within(path) ? null : logins(path);
  }

  /** The caller's cgroup has been compared with that of the first look. */
  Finding check(ProcessCaller caller, Selector selector) {
    Finding ruledOut = withoutAsking(caller, selector);
    if (ruledOut != null) {
      return ruledOut;
    }
    String path = path(caller);
    long uid = caller.uid();
    String own = SystemdNames.ownUnit(path);
    try {
      return switch (selector) {
        case Selector.SystemdUnit _ -> inItsPlace(path, manager.get(uid, own));
        case Selector.SystemdInvocationId wanted ->
            invocation(path, manager.get(uid, own), wanted.id());
        case Selector.SystemdSlice wanted -> slice(uid, path, wanted.slice());
        default -> throw new IllegalArgumentException("not systemd's: " + selector.text());
      };
    } catch (IOException e) {
      return Finding.unavailable("measurement-timeout", "systemd: " + e.getMessage());
    }
  }

  private static Finding invocation(String path, UnitFacts facts, String wanted) {
    Finding place = inItsPlace(path, facts);
    return place.outcome() == SelectorResult.Outcome.HOLDS
        ? Finding.of(wanted.equals(facts.invocationId()), facts.invocationId())
        : place;
  }

  private static Finding inItsPlace(String path, UnitFacts facts) {
    return facts.controlGroup().equals(path)
        ? Finding.of(true, path)
        : Finding.of(
            false,
            Quoted.of(path)
                + ", and the system manager has that unit at "
                + Quoted.of(facts.controlGroup()));
  }

  private Finding slice(long uid, String path, String wanted) throws IOException {
    for (String slice : slices(path)) {
      if (Glob.matches(wanted, slice)) {
        String group = manager.get(uid, slice).controlGroup();
        String below = group.endsWith("/") ? group : group + "/";
        if (!group.isEmpty() && path.startsWith(below)) {
          return Finding.of(true, path);
        }
      }
    }
    return Finding.of(false, Quoted.of(path));
  }

  /** What stands in {@code user.slice} is made for whoever logs in, so its name is nobody's. */
  private static boolean within(String path) {
    return !path.contains(USERS);
  }

  private static Finding logins(String path) {
    return Finding.of(false, "below user.slice no unit has a name of its own: " + Quoted.of(path));
  }

  /** Below {@code user@UID.service} that user's own manager gives the names. */
  private static boolean ofUser(String path) {
    for (String segment : path.split("/", -1)) {
      if (segment.startsWith("user@")) {
        return true;
      }
    }
    return false;
  }

  /** The slices that a path leads through, the root's included. */
  private static List<String> slices(String path) {
    List<String> slices = new ArrayList<>(List.of("-" + SLICE));
    for (String segment : path.substring(1).split("/", -1)) {
      if (!segment.endsWith(SLICE)) {
        // What lies in a service or a scope is no slice, whatever its name.
        break;
      }
      slices.add(segment);
    }
    return slices;
  }

  @Override
  public void close() {
    manager.close();
  }
}
