package dev.vouchsafe.ca;

import java.util.Optional;

/**
 * The name of a certificate profile, as registrations, requests and the ledger have it. What a
 * certificate of that profile says is in {@link Profiles}.
 *
 * @param text 1 to 32 characters of {@code a-z 0-9 -}, the first a letter
 */
public record Profile(String text) {
  /** URI SAN with the SPIFFE ID, granted DNS and IP names; clientAuth and serverAuth. */
  public static final Profile IDENTITY = new Profile("identity");

  /** Granted DNS and IP names, no URI; serverAuth. */
  public static final Profile SERVER = new Profile("server");

  /** A device below the gateway, which stays without contact for long; clientAuth. */
  public static final Profile DEVICE_LEAF = new Profile("device-leaf");

  /** The CA of a gateway below this one. */
  public static final Profile CHILD_CA = new Profile("child-ca");

  private static final int LONGEST = 32;

  public Profile {
    if (!isName(text)) {
      throw new IllegalArgumentException("a profile's name is 1 to 32 characters of a-z 0-9 -");
    }
  }

  private static boolean isName(String text) {
    if (text.isEmpty() || text.length() > LONGEST || !isLetter(text.charAt(0))) {
      return false;
    }
    for (int i = 1; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!isLetter(c) && !(c >= '0' && c <= '9') && c != '-') {
        return false;
      }
    }
    return true;
  }

  private static boolean isLetter(char c) {
    return c >= 'a' && c <= 'z';
  }

  /** The profile of that name, or nothing if no profile can have it. */
  public static Optional<Profile> parse(String text) {
    return isName(text) ? Optional.of(new Profile(text)) : Optional.empty();
  }
}
