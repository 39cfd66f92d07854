package dev.vouchsafe.attestation;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds what no caller can ever match, so that it is a mistake in the file instead of a module that
 * is always refused.
 *
 * <p>Two names of users, of groups, or two paths count too: they could lead to the same one, and
 * then one of them is enough.
 */
final class Contradictions {
  private Contradictions() {}

  /** Refuses selectors that can't all hold, each of one list with each of the other. */
  static void refuse(String where, List<Selector> one, List<Selector> other)
      throws RegistrationException {
    for (Selector a : one) {
      for (Selector b : other) {
        String why = why(a, b);
        if (why != null) {
          throw never(where, "%s and %s can't both hold: %s", a, b, why);
        }
      }
    }
  }

  /** Refuses wanted selectors that {@code not} rules out. */
  static void refuseExcluded(String where, List<Selector> wanted, List<Selector> not)
      throws RegistrationException {
    for (Selector excluded : not) {
      for (Selector selector : wanted) {
        if (implies(selector, excluded)) {
          throw never(where, "%s is wanted, and not = [%s] rules it out%s", selector, excluded, "");
        }
        if (inContainer(selector) && ofProgram(excluded)) {
          throw never(where, "%s and not = [%s]: %s", selector, excluded, IN_CONTAINERS);
        }
      }
    }
  }

  private static final String IN_CONTAINERS =
      "inside a container path and hash are not measured; name its image with"
          + " container:image-digest";

  private static RegistrationException never(
      String where, String form, Selector a, Selector b, String why) {
    return new RegistrationException(
        "never-matches",
        where + ": " + String.format(form, Quoted.of(a.text()), Quoted.of(b.text()), why));
  }

  private static @Nullable String why(Selector a, Selector b) {
    if (a.equals(b)) {
      return null;
    }
    if (a.getClass() == b.getClass()) {
      return ofOneKind(a, b);
    }
    String one = ofTwoKinds(a, b);
    return one != null ? one : ofTwoKinds(b, a);
  }

  private static @Nullable String ofOneKind(Selector a, Selector b) {
    boolean possible =
        switch (a) {
          case Selector.SupplementaryGroup _ -> true;
          case Selector.SystemdUnit unit ->
              Glob.overlap(unit.unit(), ((Selector.SystemdUnit) b).unit());
          case Selector.SystemdSlice slice -> nested(slice, (Selector.SystemdSlice) b);
          case Selector.ContainerName name ->
              Glob.overlap(name.name(), ((Selector.ContainerName) b).name());
          case Selector.ContainerImage image ->
              Glob.overlap(image.image(), ((Selector.ContainerImage) b).image());
          case Selector.ContainerLabel label -> possible(label, (Selector.ContainerLabel) b);
          default -> false;
        };
    return possible ? null : "a caller has only one; to allow either, write any = [[..],[..]]";
  }

  private static boolean possible(Selector.ContainerLabel a, Selector.ContainerLabel b) {
    return !a.key().equals(b.key()) || Glob.overlap(a.value(), b.value());
  }

  /** A slice's name says which slices it lies in: {@code a-b.slice} in {@code a.slice}. */
  private static boolean nested(Selector.SystemdSlice a, Selector.SystemdSlice b) {
    return Glob.any(a.slice())
        || Glob.any(b.slice())
        || SystemdNames.sliceWithin(a.slice(), b.slice())
        || SystemdNames.sliceWithin(b.slice(), a.slice());
  }

  private static @Nullable String ofTwoKinds(Selector a, Selector b) {
    if (!inContainer(a)) {
      return null;
    }
    if (ofProgram(b)) {
      return IN_CONTAINERS;
    }
    return b instanceof Selector.SystemdUnit unit && unit.unit().endsWith(".service")
        ? "a container's cgroup is never that of a service itself"
        : null;
  }

  static boolean inContainer(Selector selector) {
    return switch (selector) {
      case Selector.ContainerEngine _,
          Selector.ContainerId _,
          Selector.ContainerName _,
          Selector.ContainerImage _,
          Selector.ContainerImageDigest _,
          Selector.ContainerLabel _ ->
          true;
      default -> false;
    };
  }

  /** What says which program runs, and is measured for processes of the host only. */
  static boolean ofProgram(Selector selector) {
    return selector instanceof Selector.Path
        || selector instanceof Selector.Sha256
        || selector instanceof Selector.ScriptSha256;
  }

  /** Whether the second holds wherever the first does, as far as their texts tell. */
  private static boolean implies(Selector wanted, Selector excluded) {
    if (wanted.equals(excluded)) {
      return true;
    }
    // A star of the wanted one is matched by a star only, so all that it stands for is as well.
    return switch (excluded) {
      case Selector.SystemdUnit not ->
          wanted instanceof Selector.SystemdUnit unit && Glob.matches(not.unit(), unit.unit());
      case Selector.SystemdSlice not ->
          wanted instanceof Selector.SystemdSlice slice
              && (Glob.matches(not.slice(), slice.slice())
                  || (!Glob.any(slice.slice())
                      && SystemdNames.sliceWithin(slice.slice(), not.slice())));
      case Selector.ContainerName not ->
          wanted instanceof Selector.ContainerName name && Glob.matches(not.name(), name.name());
      case Selector.ContainerImage not ->
          wanted instanceof Selector.ContainerImage image
              && Glob.matches(not.image(), image.image());
      case Selector.ContainerLabel not ->
          wanted instanceof Selector.ContainerLabel label
              && label.key().equals(not.key())
              && Glob.matches(not.value(), label.value());
      default -> false;
    };
  }
}
