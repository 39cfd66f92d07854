package dev.vouchsafe.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Every key of a section {@code [profiles.NAME]}. The order is that of docs. */
enum ProfileKey {
  KIND("kind", Kind.TEXT, true, true),
  KEY_TYPES("keyTypes", Kind.LIST, true, true),
  LIFETIME("lifetime", Kind.TEXT, true, true),
  LIFETIME_CAP("lifetimeCap", Kind.TEXT, true, false),
  KEY_USAGE("keyUsage", Kind.LIST, true, false),
  EXTENDED_KEY_USAGE("extendedKeyUsage", Kind.LIST, true, false),
  SUBJECT("subject", Kind.LIST, true, false),
  COMMON_NAME("commonName", Kind.TEXT, true, false),
  NAMES("names", Kind.LIST, true, false),
  NAME_REQUIRED("nameRequired", Kind.BOOLEAN, true, false),
  SIGNED_BY("signedBy", Kind.TEXT, true, false),
  PATH_LENGTH("pathLength", Kind.INTEGER, false, true),
  NAME_CONSTRAINTS("nameConstraints", Kind.TEXT, false, true);

  /** What a value is in TOML. */
  enum Kind {
    TEXT("a text in quotes"),
    INTEGER("a whole number"),
    BOOLEAN("true or false, without quotes"),
    LIST("a list of texts, such as [\"a\", \"b\"]");

    private final String description;

    Kind(String description) {
      this.description = description;
    }

    String description() {
      return description;
    }
  }

  private final String text;
  private final Kind kind;
  private final boolean ofLeaves;
  private final boolean ofAuthorities;

  ProfileKey(String text, Kind kind, boolean ofLeaves, boolean ofAuthorities) {
    this.text = text;
    this.kind = kind;
    this.ofLeaves = ofLeaves;
    this.ofAuthorities = ofAuthorities;
  }

  String text() {
    return text;
  }

  Kind kind() {
    return kind;
  }

  /** Whether a profile of that kind, of leaves or of authorities, has it. */
  boolean fits(boolean leaf) {
    return leaf ? ofLeaves : ofAuthorities;
  }

  static Optional<ProfileKey> find(String text) {
    return Arrays.stream(values()).filter(key -> key.text.equals(text)).findFirst();
  }

  static List<String> texts() {
    return Arrays.stream(values()).map(ProfileKey::text).toList();
  }
}
