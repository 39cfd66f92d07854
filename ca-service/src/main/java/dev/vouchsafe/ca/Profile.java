package dev.vouchsafe.ca;

import java.util.Optional;

/** What a leaf certificate is for. */
public enum Profile {
  /** URI SAN with the SPIFFE ID, granted DNS and IP names; clientAuth and serverAuth. */
  IDENTITY("identity"),
  /** Granted DNS and IP names, no URI; serverAuth. */
  SERVER("server");

  private final String text;

  Profile(String text) {
    this.text = text;
  }

  /** The name in registrations and requests. */
  public String text() {
    return text;
  }

  /** The profile of that name, or nothing if there is none. */
  public static Optional<Profile> parse(String text) {
    for (Profile profile : values()) {
      if (profile.text.equals(text)) {
        return Optional.of(profile);
      }
    }
    return Optional.empty();
  }
}
