package dev.vouchsafe.api;

import dev.vouchsafe.trust.BundleFormat;
import dev.vouchsafe.trust.TrustBundles;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.time.Duration;
import java.util.Optional;

/** The trust bundle over HTTP: any caller may have it, at once or when it changes. */
final class BundleApi {
  /** Carries the bundle's sequence number. */
  static final String SEQUENCE_HEADER = "vouchsafe-bundle-sequence";

  private static final int LONGEST_WAIT_SECONDS = 300;

  private final TrustBundles bundles;
  private final BundleWaiters waiters;
  private final BundleFetches fetches;

  BundleApi(TrustBundles bundles, BundleWaiters waiters, BundleFetches fetches) {
    this.bundles = bundles;
    this.waiters = waiters;
    this.fetches = fetches;
  }

  /** Answers in the encoding that the caller likes best; may wait. */
  void negotiated(Exchange exchange) throws Failure {
    Request request = exchange.request();
    BundleFormat format =
        MediaTypes.choose(request.headers(HttpHeaderNames.ACCEPT))
            .orElseThrow(() ->
                Failure.of(
                    Problem.NOT_ACCEPTABLE,
                    "the bundle is had as application/x-pem-file, application/pkcs7-mime and"
                        + " application/json"));
    Duration wait = wait(request);
    Version now = version(format);
    // Whoever has just any version could not tell the next one from it, so it is not waited for.
    if (wait.isZero() || !CachedAnswer.isNamed(request, now.tag())) {
      hand(exchange, now);
      return;
    }
    waiters.add(exchange, now.sequence(), wait, () -> hand(exchange, version(format)));
  }

  private void hand(Exchange exchange, Version version) {
    Response response = answer(version, exchange.request()).with(HttpHeaderNames.VARY, "accept");
    if (response.status() == Status.NOT_MODIFIED
        && !CachedAnswer.isNamed(exchange.request(), version.tag())) {
      // It was handed nothing, and nobody knows what it has.
      exchange.answer(response);
    } else {
      fetches.answer(exchange, response, version.sequence());
    }
  }

  /** The bundle in one encoding, at once. */
  Response in(BundleFormat format, Request request) {
    return answer(version(format), request);
  }

  private static Response answer(Version version, Request request) {
    return CachedAnswer.of(request, version.tag(), version.format().mediaType(), version.body())
        .with(SEQUENCE_HEADER, Long.toString(version.sequence()));
  }

  private static Duration wait(Request request) throws Failure {
    Optional<String> asked = request.parameter("wait");
    if (asked.isEmpty()) {
      return Duration.ZERO;
    }
    if (!asked.get().matches("[0-9]{1,9}")) {
      throw Failure.of(Problem.REQUEST_INVALID, "wait: is no whole number of seconds");
    }
    return Duration.ofSeconds(Math.min(Integer.parseInt(asked.get()), LONGEST_WAIT_SECONDS));
  }

  /** One version whole: no publication falls between its parts. */
  private Version version(BundleFormat format) {
    while (true) {
      long sequence = bundles.current().sequence();
      String tag = bundles.entityTag(format);
      byte[] body = bundles.encoded(format);
      if (bundles.current().sequence() == sequence) {
        return new Version(format, sequence, tag, body);
      }
    }
  }

  /** One version of the bundle in one encoding. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared, and not copied on its way out.
  private record Version(BundleFormat format, long sequence, String tag, byte[] body) {}
}
