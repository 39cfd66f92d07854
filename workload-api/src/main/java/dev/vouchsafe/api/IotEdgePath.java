package dev.vouchsafe.api;

import org.jspecify.annotations.Nullable;

/**
 * A path of the IoT Edge Workload API. Its parts are matched as they were sent and stay
 * percent-encoded, so that a {@code %2F} in a name is no separator.
 *
 * @param route which of the paths it is
 * @param name the module's name, percent-encoded; empty where the path has none
 * @param generation the generation id, percent-encoded; empty where the path has none
 */
record IotEdgePath(Route route, String name, String generation) {
  private static final String NONE = "";

  /** The paths that there are. */
  enum Route {
    TRUST_BUNDLE("GET"),
    MANIFEST_TRUST_BUNDLE("GET"),
    MODULES("GET"),
    IDENTITY_CERTIFICATE("POST"),
    SERVER_CERTIFICATE("POST"),
    SIGN("POST"),
    ENCRYPT("POST"),
    DECRYPT("POST");

    private final String method;

    Route(String method) {
      this.method = method;
    }

    /** The one method that the path has. */
    String method() {
      return method;
    }
  }

  /** Reads a path. */
  static IotEdgePath of(String path) throws Failure {
    String[] parts = path.split("/", -1);
    Route route =
        switch (parts.length) {
          case 2 -> plain(parts[1]);
          // Old clients ask for /modules/.
          case 3 -> parts[1].equals("modules") && parts[2].isEmpty() ? Route.MODULES : null;
          case 5 -> isModules(parts) ? ofName(parts[3], parts[4]) : null;
          case 6 -> isGeneration(parts) ? ofKeys(parts[5]) : null;
          case 7 -> isGeneration(parts) ? ofGeneration(parts[5], parts[6]) : null;
          default -> null;
        };
    if (route == null) {
      throw Failure.of(Problem.NOT_FOUND, "not found");
    }
    return new IotEdgePath(
        route, parts.length > 4 ? parts[2] : NONE, parts.length > 5 ? parts[4] : NONE);
  }

  private static @Nullable Route plain(String part) {
    return switch (part) {
      case "trust-bundle" -> Route.TRUST_BUNDLE;
      case "manifest-trust-bundle" -> Route.MANIFEST_TRUST_BUNDLE;
      case "modules" -> Route.MODULES;
      default -> null;
    };
  }

  /** {@code /modules/NAME/..}. */
  private static boolean isModules(String[] parts) {
    return parts[1].equals("modules") && !parts[2].isEmpty();
  }

  /** {@code /modules/NAME/genid/GENERATION/..}. */
  private static boolean isGeneration(String[] parts) {
    return isModules(parts) && parts[3].equals("genid") && !parts[4].isEmpty();
  }

  private static @Nullable Route ofName(String first, String second) {
    return first.equals("certificate") && second.equals("identity")
        ? Route.IDENTITY_CERTIFICATE
        : null;
  }

  private static @Nullable Route ofKeys(String part) {
    return switch (part) {
      case "sign" -> Route.SIGN;
      case "encrypt" -> Route.ENCRYPT;
      case "decrypt" -> Route.DECRYPT;
      default -> null;
    };
  }

  private static @Nullable Route ofGeneration(String first, String second) {
    return first.equals("certificate") && second.equals("server") ? Route.SERVER_CERTIFICATE : null;
  }
}
