package dev.vouchsafe.api;

import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.RevocationList;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What is revoked, over HTTP: anyone who verifies may ask. */
final class RevocationApi {
  static final String LISTS = "/crl/";

  /** RFC 5280 section 4.2.1.13 and RFC 2585 section 4.2. */
  private static final String MEDIA_TYPE = "application/pkix-crl";

  private static final Pattern PATH = Pattern.compile("/crl/([a-z]{1,16}-[0-9]{1,9})\\.crl");

  /** A cache on the way may hide a revocation for this long. */
  private static final Duration FRESH = Duration.ofMinutes(5);

  private static final DateTimeFormatter HTTP_TIME =
      DateTimeFormatter.ofPattern("EEE, dd MMM uuuu HH:mm:ss 'GMT'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private final CertificateAuthority authority;
  private final InstantSource clock;

  RevocationApi(CertificateAuthority authority, InstantSource clock) {
    this.authority = authority;
    this.clock = clock;
  }

  /** The list that the path names. */
  Response list(Request request) throws Failure {
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
