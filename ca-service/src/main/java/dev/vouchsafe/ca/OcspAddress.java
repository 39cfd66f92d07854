package dev.vouchsafe.ca;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.bouncycastle.asn1.DERIA5String;
import org.bouncycastle.asn1.x509.AccessDescription;
import org.bouncycastle.asn1.x509.AuthorityInformationAccess;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;

/**
 * Where a leaf says that OCSP requests about it are answered (RFC 5280 section 4.2.2.1): made by
 * the library for the builder, and written down by hand for the lint that checks it.
 */
final class OcspAddress {
  private static final int SEQUENCE = 0x30;
  private static final int URI = 0x86;

  /** The OBJECT IDENTIFIER id-ad-ocsp. */
  private static final byte[] OCSP = HexFormat.of().parseHex("06082b06010505073001");

  private OcspAddress() {}

  static Extension extension(String url) {
    return LeafBuilder.extension(
        Extension.authorityInfoAccess,
        false,
        new AuthorityInformationAccess(
            AccessDescription.id_ad_ocsp,
            new GeneralName(GeneralName.uniformResourceIdentifier, new DERIA5String(url))));
  }

  /** The extension's value. */
  static byte[] octets(String url) {
    byte[] uri = CrlAddress.wrapped(URI, url.getBytes(StandardCharsets.US_ASCII));
    byte[] description = new byte[OCSP.length + uri.length];
    System.arraycopy(OCSP, 0, description, 0, OCSP.length);
    System.arraycopy(uri, 0, description, OCSP.length, uri.length);
    return CrlAddress.wrapped(SEQUENCE, CrlAddress.wrapped(SEQUENCE, description));
  }
}
