package dev.vouchsafe.cli.backup;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** The names that files in a backup may have: no other is written, and none is read. */
public final class BackupNames {
  /** The folder of what goes back into the data folder. */
  public static final String DATA = "data/";

  /** The folder of registrations. */
  public static final String REGISTRATIONS = "registrations.d/";

  /** The configuration, for people: it is never restored. */
  public static final String CONFIGURATION = "vouchsafe.toml";

  /** The ledger. */
  public static final String LEDGER = DATA + "ca.db";

  static final String MANIFEST = "manifest.json";
  static final String SIGNATURE = "manifest.sig";

  /** Files of the data folder that stand in it by themselves, but the ledger. */
  public static final List<String> FILES =
      List.of(
          "format",
          "clock",
          "trust-bundle.json",
          "bundle-readers.json",
          "jwks.json",
          "revoked-tokens.json");

  private static final int LONGEST = 255;
  private static final Set<String> PLAIN = Set.copyOf(FILES);

  /** Of visible ASCII but slashes, and not hidden. */
  private static final String SEGMENT = "[!-~&&[^./\\\\]][!-~&&[^/\\\\]]{0,254}";

  private static final Pattern INSIDE =
      Pattern.compile(
          "data/crl/[a-z]{1,16}-[0-9]{1,10}\\.crl|data/keys(-[a-z0-9]{1,32}){0,3}/"
              + SEGMENT
              + "|registrations\\.d/"
              + SEGMENT
              + "\\.toml");

  private BackupNames() {}

  /** Whether a backup may hold a file of that name. */
  public static boolean isAllowed(String name) {
    if (name.length() > LONGEST) {
      return false;
    }
    return name.equals(LEDGER)
        || name.equals(CONFIGURATION)
        || (name.startsWith(DATA) && PLAIN.contains(name.substring(DATA.length())))
        || INSIDE.matcher(name).matches();
  }
}
