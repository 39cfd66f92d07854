package dev.vouchsafe.ca;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.bouncycastle.asn1.DERIA5String;
import org.bouncycastle.asn1.x509.CRLDistPoint;
import org.bouncycastle.asn1.x509.DistributionPoint;
import org.bouncycastle.asn1.x509.DistributionPointName;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.IssuingDistributionPoint;

/**
 * Where a leaf says that its issuer's revocation list is (RFC 5280 section 4.2.1.13): made by the
 * library for the builder, and written down by hand for the lint that checks it.
 */
final class CrlAddress {
  private static final int SEQUENCE = 0x30;
  private static final int DISTRIBUTION_POINT = 0xa0;
  private static final int FULL_NAME = 0xa0;
  private static final int URI = 0x86;
  private static final int SHORT_LENGTH = 0x80;
  private static final int ONE_OCTET = 0x81;
  private static final int TWO_OCTETS = 0x82;
  private static final int OCTET = 0x100;

  private CrlAddress() {}

  private static DistributionPointName name(String url) {
    return new DistributionPointName(
        new GeneralNames(
            new GeneralName(GeneralName.uniformResourceIdentifier, new DERIA5String(url))));
  }

  /** What ties a list to that address (RFC 5280 section 5.2.5). */
  static IssuingDistributionPoint ofList(String url) {
    return new IssuingDistributionPoint(name(url), false, false);
  }

  static Extension extension(String url) {
    DistributionPoint point = new DistributionPoint(name(url), null, null);
    return LeafBuilder.extension(
        Extension.cRLDistributionPoints, false, new CRLDistPoint(new DistributionPoint[] {point}));
  }

  /** The extension's value. */
  static byte[] octets(String url) {
    byte[] uri = wrapped(URI, url.getBytes(StandardCharsets.US_ASCII));
    byte[] point = wrapped(DISTRIBUTION_POINT, wrapped(FULL_NAME, uri));
    return wrapped(SEQUENCE, wrapped(SEQUENCE, point));
  }

  /** One element of DER (X.690 section 8.1) of up to 65,535 octets. */
  static byte[] wrapped(int tag, byte[] value) {
    ByteBuffer der = ByteBuffer.allocate(4 + value.length);
    der.put((byte) tag);
    if (value.length >= OCTET) {
      der.put((byte) TWO_OCTETS).put((byte) (value.length / OCTET));
    } else if (value.length >= SHORT_LENGTH) {
      der.put((byte) ONE_OCTET);
    }
    der.put((byte) value.length).put(value);
    byte[] octets = new byte[der.position()];
    der.flip().get(octets);
    return octets;
  }
}
