package dev.vouchsafe.api;

/** What a module's request is for, in the audit log's words. */
enum Operation {
  CERTIFICATE("certificate"),
  TOKEN("token"),
  IDENTITY("identity"),
  MODULES("modules"),
  SIGN("sign"),
  ENCRYPT("encrypt"),
  DECRYPT("decrypt"),
  BUNDLE("bundle"),
  OTHER("other");

  private final String text;

  Operation(String text) {
    this.text = text;
  }

  String text() {
    return text;
  }

  /** By the path of a request, which was routed by it already. */
  static Operation of(String path) {
    int slash = path.lastIndexOf('/');
    return switch (path.substring(slash + 1)) {
      case "certificates", "server", "FetchX509SVID" -> CERTIFICATE;
      case "tokens", "FetchJWTSVID" -> TOKEN;
      case "identity" -> path.startsWith("/v1/") ? IDENTITY : CERTIFICATE;
      case "modules", "" -> MODULES;
      case "sign" -> SIGN;
      case "encrypt" -> ENCRYPT;
      case "decrypt" -> DECRYPT;
      case "trust-bundle", "manifest-trust-bundle", "FetchX509Bundles", "FetchJWTBundles" -> BUNDLE;
      default -> OTHER;
    };
  }
}
