package dev.vouchsafe.trust;

/** The encodings that a trust bundle is served in. */
public enum BundleFormat {
  /** RFC 7468 text, roots first, then the operator's extra CAs. */
  PEM("application/x-pem-file", "pem"),
  /** A certs-only PKCS#7 SignedData in DER (RFC 2315, RFC 5652). */
  PKCS7("application/pkcs7-mime", "p7b"),
  /**
   * The SPIFFE bundle, a JWK Set with our roots only (SPIFFE Trust Domain and Bundle, section 4).
   */
  JWKS("application/json", "json");

  private final String mediaType;
  private final String extension;

  BundleFormat(String mediaType, String extension) {
    this.mediaType = mediaType;
    this.extension = extension;
  }

  /** The HTTP media type. */
  public String mediaType() {
    return mediaType;
  }

  /** The file name extension, without a dot. */
  public String extension() {
    return extension;
  }
}
