package dev.vouchsafe.api;

import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.OcspAnswer;
import dev.vouchsafe.ca.RevocationList;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What is revoked, over HTTP: anyone who verifies may ask. */
final class RevocationApi {
  private static final String LISTS = "/crl/";
  private static final String OCSP = "/ocsp";
  private static final String TOKENS = "/.well-known/revoked-tokens.json";

  /** RFC 5280 section 4.2.1.13 and RFC 2585 section 4.2. */
  private static final String MEDIA_TYPE = "application/pkix-crl";

  private static final Pattern PATH = Pattern.compile("/crl/([a-z]{1,16}-[0-9]{1,9})\\.crl");

  private static final String OCSP_REQUEST = "application/ocsp-request";
  private static final String OCSP_RESPONSE = "application/ocsp-response";

  /** A cache on the way may hide a revocation for this long. */
  private static final Duration FRESH = Duration.ofMinutes(5);

  private static final DateTimeFormatter HTTP_TIME =
      DateTimeFormatter.ofPattern("EEE, dd MMM uuuu HH:mm:ss 'GMT'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  /** The list of revoked tokens, as it was encoded last: anyone may ask again and again. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared, and not copied on its way out.
  private record TokenList(String text, byte[] octets, String tag) {}

  private final CertificateAuthority authority;
  private final InstantSource clock;
  private volatile @Nullable TokenList tokenList;

  RevocationApi(CertificateAuthority authority, InstantSource clock) {
    this.authority = authority;
    this.clock = clock;
  }

  /** Whether a path is one of these. */
  static boolean serves(String path) {
    return path.startsWith(LISTS)
        || path.equals(TOKENS)
        || path.equals(OCSP)
        || path.startsWith(OCSP + "/");
  }

  /**
   * @param owner whose share of the limits it is counted against
   */
  Response answer(Request request, Object owner) throws Failure {
    if (request.path().equals(TOKENS)) {
      return tokens(request);
    }
    return request.path().startsWith(LISTS) ? list(request) : ocsp(request, owner);
  }

  /** A request by POST, or by GET in the path (RFC 6960 appendix A.1). */
  private Response ocsp(Request request, Object owner) throws Failure {
    byte[] question;
    if (request.path().equals(OCSP)) {
      V1Api.onlyPosts(request);
      String type = request.header(HttpHeaderNames.CONTENT_TYPE);
      if (type == null || !type.strip().equalsIgnoreCase(OCSP_REQUEST)) {
        throw Failure.of(Problem.UNSUPPORTED_MEDIA_TYPE, "the body is not " + OCSP_REQUEST);
      }
      question = request.body();
    } else {
      V1Api.onlyReads(request);
      question = inPath(request.path().substring(OCSP.length() + 1));
    }
    OcspAnswer answer = authority.revocations().ocsp(question, owner);
    String caching = answer.fresh().isZero() ? "no-store" : "max-age=" + answer.fresh().toSeconds();
    return Response.of(Status.OK, OCSP_RESPONSE, answer.der())
        .with(HttpHeaderNames.CACHE_CONTROL, caching);
  }

  private static byte[] inPath(String encoded) throws Failure {
    try {
      return Base64.getDecoder().decode(Percent.decode(encoded));
    } catch (IllegalArgumentException e) {
      throw Failure.of(Problem.NOT_FOUND, "the path has no OCSP request in base64");
    }
  }

  /** Tokens that were revoked: any verifier may have their ids, of which nothing else follows. */
  private Response tokens(Request request) throws Failure {
    V1Api.onlyReads(request);
    String text = authority.revocations().revokedTokens();
    TokenList last = tokenList;
    if (last == null || !last.text().equals(text)) {
      byte[] octets = text.getBytes(StandardCharsets.UTF_8);
      last = new TokenList(text, octets, '"' + TokenKeysApi.sha256(octets) + '"');
      tokenList = last;
    }
    return CachedAnswer.of(request, last.tag(), Response.JSON.toString(), last.octets());
  }

  /** The list that the path names. */
  private Response list(Request request) throws Failure {
    V1Api.onlyReads(request);
    Matcher path = PATH.matcher(request.path());
    if (!path.matches()) {
      throw Failure.of(Problem.NOT_FOUND, "not found");
    }
    String id = path.group(1);
    RevocationList list =
        authority
            .revocations()
            .list(id)
            .orElseThrow(
                () -> Failure.of(Problem.NOT_FOUND, "there is no revocation list of that name"));
    // Its number is never used twice, and the authority's name stands in the path.
    String tag = "\"" + list.authority() + "-" + list.number() + "\"";
    return CachedAnswer.of(request, tag, MEDIA_TYPE, list.der())
        .with(HttpHeaderNames.CACHE_CONTROL, "max-age=" + fresh(list).toSeconds())
        .with(HttpHeaderNames.LAST_MODIFIED, HTTP_TIME.format(list.thisUpdate()));
  }

  private Duration fresh(RevocationList list) {
    Instant now = clock.instant();
    Duration left = Duration.between(now, list.nextUpdate());
    if (left.isNegative()) {
      return Duration.ZERO;
    }
    return left.compareTo(FRESH) < 0 ? left : FRESH;
  }
}
