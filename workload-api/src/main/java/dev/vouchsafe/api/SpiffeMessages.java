package dev.vouchsafe.api;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import com.google.protobuf.UnsafeByteOperations;
import com.google.protobuf.Value;
import dev.vouchsafe.ca.VerifiedToken;
import dev.vouchsafe.trust.TrustBundle;
import io.netty.util.AsciiString;
import io.spiffe.workloadapi.grpc.Workload;
import java.io.ByteArrayOutputStream;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.List;

/** The messages of the SPIFFE Workload API (its section 4), to and from octets. */
final class SpiffeMessages {
  private static final AsciiString PROTO = AsciiString.cached("application/grpc+proto");

  private SpiffeMessages() {}

  /** As an answer. */
  static Response message(byte[] octets) {
    return Response.of(Status.OK, PROTO, octets);
  }

  /** Reads one of them. */
  interface Parser<T> {
    T parse(byte[] octets) throws InvalidProtocolBufferException;
  }

  static <T> T read(Request request, Parser<T> parser) throws Failure {
    try {
      return parser.parse(request.body());
    } catch (InvalidProtocolBufferException e) {
      throw Failure.of(Problem.REQUEST_INVALID, "the request is no message of its type");
    }
  }

  /** The roots as DER, one after the other. */
  static byte[] roots(TrustBundle bundle) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (X509Certificate root : bundle.roots()) {
      try {
        all.writeBytes(root.getEncoded());
      } catch (CertificateEncodingException e) {
        throw new IllegalStateException("a certificate that was read can be written", e);
      }
    }
    return all.toByteArray();
  }

  /** All identities of a caller, the default one first. */
  static byte[] svids(List<Svid> svids, TrustBundle bundle) {
    ByteString roots = UnsafeByteOperations.unsafeWrap(roots(bundle));
    Workload.X509SVIDResponse.Builder all = Workload.X509SVIDResponse.newBuilder();
    for (Svid svid : svids) {
      all.addSvids(
          Workload.X509SVID
              .newBuilder()
              .setSpiffeId(svid.id())
              .setX509Svid(UnsafeByteOperations.unsafeWrap(svid.chain()))
              .setX509SvidKey(UnsafeByteOperations.unsafeWrap(svid.key()))
              .setBundle(roots)
              .setHint(svid.hint()));
    }
    return all.build().toByteArray();
  }

  /**
   * @param trustDomain as a SPIFFE ID
   */
  static byte[] x509Bundles(String trustDomain, TrustBundle bundle) {
    return Workload.X509BundlesResponse.newBuilder()
        .putBundles(trustDomain, UnsafeByteOperations.unsafeWrap(roots(bundle)))
        .build()
        .toByteArray();
  }

  /**
   * @param jwks the keys, as JSON
   */
  static byte[] jwtBundles(String trustDomain, String jwks) {
    return Workload.JWTBundlesResponse.newBuilder()
        .putBundles(trustDomain, ByteString.copyFromUtf8(jwks))
        .build()
        .toByteArray();
  }

  /** A token for one identity of a caller. */
  record JwtSvid(String id, String hint, String token) {}

  static byte[] tokens(List<JwtSvid> tokens) {
    Workload.JWTSVIDResponse.Builder all = Workload.JWTSVIDResponse.newBuilder();
    for (JwtSvid token : tokens) {
      all.addSvids(
          Workload.JWTSVID
              .newBuilder()
              .setSpiffeId(token.id())
              .setSvid(token.token())
              .setHint(token.hint()));
    }
    return all.build().toByteArray();
  }

  static byte[] validated(VerifiedToken token) {
    Struct claims =
        Struct.newBuilder()
            .putFields("sub", text(token.subject()))
            .putFields("iss", text(token.issuer()))
            .putFields("jti", text(token.id()))
            .putFields("iat", number(token.issuedAt().getEpochSecond()))
            .putFields("exp", number(token.expiresAt().getEpochSecond()))
            .putFields("aud", list(token.audience()))
            .build();
    return Workload.ValidateJWTSVIDResponse.newBuilder()
        .setSpiffeId(token.subject())
        .setClaims(claims)
        .build()
        .toByteArray();
  }

  private static Value text(String text) {
    return Value.newBuilder().setStringValue(text).build();
  }

  /** The JSON of a Struct has doubles only; seconds of a year up to 9999 are exact in them. */
  private static Value number(long number) {
    return Value.newBuilder().setNumberValue((double) number).build();
  }

  private static Value list(List<String> texts) {
    ListValue.Builder list = ListValue.newBuilder();
    texts.forEach(each -> list.addValues(text(each)));
    return Value.newBuilder().setListValue(list).build();
  }
}
