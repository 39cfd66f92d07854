package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.SoftwareCrypto;
import dev.vouchsafe.keys.StoredKey;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.OptionalInt;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.DERIA5String;
import org.bouncycastle.asn1.DERPrintableString;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.V3TBSCertificateGenerator;
import org.jspecify.annotations.Nullable;

/** Makes authorities: key in the store, intent in the ledger, signature, verification. */
final class AuthorityFactory {
  /** Clocks of those who verify may run behind ours by this. */
  private static final Duration BACK_DATED = Duration.ofMinutes(5);

  /** The top gateway's device CA may stand over this many authorities, and each layer one less. */
  private static final int PATH_LENGTH_OVER_LAYER = 6;

  /** An authority that was made here, with what it takes to sign the next below it. */
  record Made(AuthorityRow row, X509Certificate certificate, X500Name subject, AuthorityKey key) {}

  private final CaSettings settings;
  private final PrivateKeyStore store;
  private final SoftwareCrypto crypto;
  private final Ledger ledger;
  private final InstantSource clock;
  private final Serials serials = new Serials();

  AuthorityFactory(
      CaSettings settings,
      PrivateKeyStore store,
      SoftwareCrypto crypto,
      Ledger ledger,
      InstantSource clock) {
    this.settings = settings;
    this.store = store;
    this.crypto = crypto;
    this.ledger = ledger;
    this.clock = clock;
  }

  /** The longest path under the device CA of a gateway at that layer. */
  static int pathLength(int layer) {
    return PATH_LENGTH_OVER_LAYER - layer;
  }

  Made makeRoot() throws IOException {
    AuthorityRow row =
        new AuthorityRow(
            1,
            AuthorityInfo.Role.ROOT,
            1,
            store.describe().kind(),
            settings.rootKey(),
            AuthorityInfo.State.ACTIVE);
    return make(row, "Vouchsafe Root", settings.lifetimes().root(), OptionalInt.empty(), null);
  }

  Made makeDevice(Made root) throws IOException {
    AuthorityRow row =
        new AuthorityRow(
            2,
            AuthorityInfo.Role.DEVICE,
            1,
            store.describe().kind(),
            settings.deviceKey(),
            AuthorityInfo.State.ACTIVE);
    OptionalInt pathLength = OptionalInt.of(pathLength(settings.identity().layer()));
    return make(row, "Vouchsafe Device CA", settings.lifetimes().deviceCa(), pathLength, root);
  }

  private Made make(
      AuthorityRow row,
      String title,
      Duration lifetime,
      OptionalInt pathLength,
      @Nullable Made parent)
      throws IOException {
    try {
      StoredKey stored = store.make(row.keyLabel(), row.keyType());
      AuthorityKey key =
          new AuthorityKey(store, crypto, row.keyLabel(), row.keyType(), stored.publicKey());
      Instant now = clock.instant();
      byte[] serial = serials.next(now);
      X500Name subject = subject(title + " " + row.generation(), serial);
      Instant notAfter = now.truncatedTo(ChronoUnit.SECONDS).plus(lifetime);
      if (parent != null && notAfter.isAfter(end(parent.certificate()))) {
        notAfter = end(parent.certificate());
      }
      AuthorityRow signer = parent == null ? row : parent.row();
      AlgorithmIdentifier algorithm = SignatureAlgorithms.of(signer.keyType());
      V3TBSCertificateGenerator tbs = new V3TBSCertificateGenerator();
      tbs.setSerialNumber(new ASN1Integer(new BigInteger(1, serial)));
      tbs.setSignature(algorithm);
      tbs.setIssuer(parent == null ? subject : parent.subject());
      tbs.setStartDate(ValidityTimes.encode(now.minus(BACK_DATED)));
      tbs.setEndDate(ValidityTimes.encode(notAfter));
      tbs.setSubject(subject);
      SubjectPublicKeyInfo spki = SubjectPublicKeyInfo.getInstance(stored.publicKey().getEncoded());
      tbs.setSubjectPublicKeyInfo(spki);
      tbs.setExtensions(extensions(spki, parent == null ? spki : keyOf(parent), pathLength));
      byte[] octets = tbs.generateTBSCertificate().getEncoded(ASN1Encoding.DER);
      byte[] signature =
          (parent == null ? key : parent.key()).sign(ledger.record(row, serial, octets));
      byte[] der = Signed.certificate(octets, algorithm, signature);
      X509Certificate certificate = parse(der);
      ledger.store(row, der);
      return new Made(row, certificate, subject, key);
    } catch (KeyFault | IssuanceException e) {
      throw new IOException("the key of " + row.id() + ": " + e.getMessage(), e);
    }
  }

  /** A CN for people and the serial number, so that no two generations share a name. */
  private X500Name subject(String title, byte[] serial) {
    String name = LeafPlan.commonName(title + " " + settings.identity().deviceId());
    return new X500Name(
        new RDN[] {
          new RDN(BCStyle.SERIALNUMBER, new DERPrintableString(Octets.hex(serial))),
          new RDN(BCStyle.CN, new DERUTF8String(name))
        });
  }

  private Extensions extensions(
      SubjectPublicKeyInfo key, SubjectPublicKeyInfo signer, OptionalInt pathLength) {
    BasicConstraints constraints =
        pathLength.isPresent()
            ? new BasicConstraints(pathLength.getAsInt())
            : new BasicConstraints(true);
    GeneralName trustDomain =
        new GeneralName(
            GeneralName.uniformResourceIdentifier,
            new DERIA5String("spiffe://" + settings.identity().trustDomain()));
    return new Extensions(
        new Extension[] {
          LeafBuilder.extension(Extension.basicConstraints, true, constraints),
          LeafBuilder.extension(
              Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign)),
          LeafBuilder.extension(
              Extension.subjectKeyIdentifier, false, new SubjectKeyIdentifier(Octets.keyId(key))),
          LeafBuilder.extension(
              Extension.authorityKeyIdentifier,
              false,
              new AuthorityKeyIdentifier(Octets.keyId(signer))),
          LeafBuilder.extension(
              Extension.subjectAlternativeName, false, new GeneralNames(trustDomain))
        });
  }

  private static SubjectPublicKeyInfo keyOf(Made authority) {
    return SubjectPublicKeyInfo.getInstance(authority.certificate().getPublicKey().getEncoded());
  }

  private static Instant end(X509Certificate certificate) {
    return certificate.getNotAfter().toInstant();
  }

  private static X509Certificate parse(byte[] der) throws IOException {
    try {
      return (X509Certificate)
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(der));
    } catch (CertificateException e) {
      throw new IOException("the certificate that was made can't be read back", e);
    }
  }
}
