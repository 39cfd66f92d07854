package dev.vouchsafe.trust;

import dev.vouchsafe.trust.CaRefusedException.Reason;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The operator's file with CAs of other servers: PEM (RFC 7468), text around the blocks is passed
 * over. All of it is taken, or nothing.
 */
public final class CaFile {
  /** The largest file, in octets. */
  public static final int LARGEST = 48 * 1024;

  /** The most certificates in one file. */
  public static final int MOST = 32;

  private static final int KEY_CERT_SIGN = 5;
  private static final String MARK = "-----";
  private static final Pattern BEGIN = Pattern.compile("-----BEGIN ([A-Z0-9 ]{1,40})-----");
  private static final String WANTED = "CERTIFICATE";

  private CaFile() {}

  /**
   * The certificates of a file, each a CA with a key that is strong enough. The time isn't looked
   * at.
   *
   * @return at least one, each once
   * @throws CaRefusedException if one of them, or something else in the file, is not to be taken
   */
  public static List<X509Certificate> read(byte[] octets) throws CaRefusedException {
    if (octets.length > LARGEST) {
      throw file("it is over " + LARGEST + " octets; add the CAs in several files");
    }
    // Every octet is a character: what is not ASCII stands outside of the blocks, or is refused.
    String text = new String(octets, StandardCharsets.ISO_8859_1);
    Set<X509Certificate> certificates = new LinkedHashSet<>();
    int at = 0;
    Matcher begin = BEGIN.matcher(text);
    while (begin.find(at)) {
      String label = begin.group(1);
      requireLabel(label);
      String end = MARK + "END " + label + MARK;
      int stop = text.indexOf(end, begin.end());
      if (stop < 0) {
        throw file("a certificate in it has no end; take the whole file");
      }
      if (certificates.size() == MOST) {
        throw file("it has more than " + MOST + " certificates; add them in several files");
      }
      X509Certificate certificate = certificate(text.substring(begin.end(), stop));
      require(certificate);
      if (!certificates.add(certificate)) {
        throw new CaRefusedException(
            Reason.DUPLICATE, name(certificate) + " is in the file twice; leave one out");
      }
      at = stop + end.length();
    }
    if (text.indexOf(MARK + "BEGIN", at) >= 0) {
      throw file("there is a PEM block in it that can't be read; only " + WANTED + " may be there");
    }
    if (certificates.isEmpty()) {
      throw file(
          "it has no certificate in PEM; a DER file becomes one by: openssl x509 -inform der");
    }
    return List.copyOf(certificates);
  }

  /**
   * That each of them is valid at that time.
   *
   * @throws CaRefusedException if one has expired or is not valid yet
   */
  public static void requireValid(List<X509Certificate> certificates, Instant now)
      throws CaRefusedException {
    for (X509Certificate certificate : certificates) {
      if (certificate.getNotAfter().toInstant().isBefore(now)) {
        throw notValid(certificate, "has expired at ", certificate.getNotAfter().toInstant(), now);
      }
      if (certificate.getNotBefore().toInstant().isAfter(now)) {
        throw notValid(
            certificate, "is not valid before ", certificate.getNotBefore().toInstant(), now);
      }
    }
  }

  private static CaRefusedException notValid(
      X509Certificate certificate, String how, Instant bound, Instant now) {
    return new CaRefusedException(
        Reason.NOT_VALID,
        name(certificate)
            + " "
            + how
            + bound.truncatedTo(ChronoUnit.SECONDS)
            + ", and it is "
            + now.truncatedTo(ChronoUnit.SECONDS)
            + " here; get a current certificate, or look at `vouchsafe clock status`");
  }

  private static void requireLabel(String label) throws CaRefusedException {
    if (label.endsWith("PRIVATE KEY")) {
      throw new CaRefusedException(
          Reason.PRIVATE_KEY,
          "there is a private key in it; take it out, give the certificate alone, and mind who has"
              + " read the file");
    }
    if (!label.equals(WANTED)) {
      throw file("there is a block " + label + " in it; only " + WANTED + " may be there");
    }
  }

  private static X509Certificate certificate(String base64) throws CaRefusedException {
    try {
      byte[] der = Base64.getDecoder().decode(base64.replaceAll("[ \t\r\n]+", ""));
      return BundleContent.parse(der);
    } catch (CertificateException | IllegalArgumentException e) {
      throw file("a certificate in it is damaged; take the file anew from its source");
    }
  }

  private static void require(X509Certificate certificate) throws CaRefusedException {
    boolean[] usage = certificate.getKeyUsage();
    boolean signs = usage == null || (usage.length > KEY_CERT_SIGN && usage[KEY_CERT_SIGN]);
    if (certificate.getBasicConstraints() < 0 || !signs) {
      throw new CaRefusedException(
          Reason.NOT_A_CA,
          name(certificate)
              + " is no CA: it lacks "
              + (signs ? "CA:TRUE" : "keyCertSign")
              + "; give the certificate of the CA that issued it");
    }
    if (!KeyStrength.isEnough(certificate.getPublicKey())) {
      throw new CaRefusedException(
          Reason.WEAK_KEY,
          name(certificate)
              + " has a key that is too weak or of no known kind: RSA from 2048 bits, P-256, P-384,"
              + " P-521, Ed25519 and Ed448 are taken; give a CA with such a key");
    }
  }

  private static CaRefusedException file(String what) {
    return new CaRefusedException(Reason.FILE, what);
  }

  /** For messages: the subject, printable and not too long. */
  static String name(X509Certificate certificate) {
    String subject =
        certificate.getSubjectX500Principal().getName().replaceAll("[^ -~\\u00a1-\\uffff]", "?");
    return "'" + (subject.length() > 200 ? subject.substring(0, 200) + ".." : subject) + "'";
  }
}
