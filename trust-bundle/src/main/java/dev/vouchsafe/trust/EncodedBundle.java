package dev.vouchsafe.trust;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** One version of the bundle with all of its encodings, made once. Immutable. */
final class EncodedBundle {
  private final TrustBundle bundle;
  private final Map<BundleFormat, byte[]> encodings = new EnumMap<>(BundleFormat.class);
  private final Map<BundleFormat, String> tags = new EnumMap<>(BundleFormat.class);

  EncodedBundle(TrustBundle bundle) throws IOException {
    this.bundle = bundle;
    for (BundleFormat format : BundleFormat.values()) {
      byte[] octets = encode(format);
      encodings.put(format, octets);
      tags.put(format, tag(octets));
    }
  }

  TrustBundle bundle() {
    return bundle;
  }

  byte[] encoding(BundleFormat format) {
    return of(encodings, format).clone();
  }

  String entityTag(BundleFormat format) {
    return of(tags, format);
  }

  private static <T> T of(Map<BundleFormat, T> map, BundleFormat format) {
    T value = map.get(format);
    if (value == null) {
      throw new IllegalStateException("a bundle without the encoding " + format);
    }
    return value;
  }

  private byte[] encode(BundleFormat format) throws IOException {
    try {
      return switch (format) {
        case PEM -> pem();
        case PKCS7 ->
            CertificateFactory.getInstance("X.509").generateCertPath(all()).getEncoded("PKCS7");
        case JWKS -> jwks();
      };
    } catch (CertificateException e) {
      throw new IOException("the trust bundle can't be encoded as " + format, e);
    }
  }

  private List<X509Certificate> all() {
    List<X509Certificate> all = new ArrayList<>(bundle.roots());
    all.addAll(bundle.extra());
    return all;
  }

  private byte[] pem() throws CertificateException {
    Base64.Encoder lines = Base64.getMimeEncoder(64, new byte[] {'\n'});
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    for (X509Certificate certificate : all()) {
      text.writeBytes(ascii("-----BEGIN CERTIFICATE-----\n"));
      text.writeBytes(lines.encode(certificate.getEncoded()));
      text.writeBytes(ascii("\n-----END CERTIFICATE-----\n"));
    }
    return text.toByteArray();
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private byte[] jwks() throws IOException {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.putArray("keys").addAll(bundle.roots().stream().map(JsonWebKeys::key).toList());
    document.put("spiffe_sequence", bundle.sequence());
    document.put("spiffe_refresh_hint", bundle.refreshHint().toSeconds());
    return new JsonMapper().writeValueAsBytes(document);
  }

  /** The sequence alone would not do: a bundle that was made anew has the old numbers again. */
  private String tag(byte[] octets) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(octets);
      String start = HexFormat.of().formatHex(Arrays.copyOf(digest, 16));
      return '"' + Long.toString(bundle.sequence()) + '-' + start + '"';
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime has no SHA-256", e);
    }
  }
}
