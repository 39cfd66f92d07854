package dev.vouchsafe.api;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What we take as HTTP/1.1 (RFC 9112), and how an answer is laid out. */
final class HttpRules {
  private static final int LONGEST_LINE = 4 * 1024;
  private static final int LONGEST_HEADERS = 8 * 1024;
  private static final int MOST_HEADERS = 64;
  private static final byte[] NOTHING = {};

  private HttpRules() {}

  /** Strict where two readers could differ on where a request ends. */
  static HttpDecoderConfig decoder() {
    return new HttpDecoderConfig()
        .setMaxInitialLineLength(LONGEST_LINE)
        .setMaxHeaderSize(LONGEST_HEADERS)
        .setAllowDuplicateContentLengths(false)
        .setStrictLineParsing(true)
        .setUseRfc9112TransferEncoding(true)
        .setValidateHeaders(true);
  }

  /**
   * Checks a request's head.
   *
   * @param longestBody octets that the body may have
   */
  static void check(HttpRequest head, int longestBody) throws Failure {
    if (head.decoderResult().isFailure()) {
      throw undecodable(head.decoderResult().cause());
    }
    HttpVersion version = head.protocolVersion();
    if (!version.protocolName().equals("HTTP") || version.majorVersion() != 1) {
      throw Failure.of(Problem.HTTP_VERSION, "only HTTP/1.1 is spoken here");
    }
    HttpHeaders headers = head.headers();
    if (headers.size() > MOST_HEADERS) {
      throw Failure.of(Problem.HEADERS_TOO_LARGE, "more than " + MOST_HEADERS + " headers");
    }
    if (headers.getAll(HttpHeaderNames.HOST).size() > 1) {
      throw Failure.of(Problem.HTTP_MALFORMED, "more than one Host header");
    }
    List<String> codings = headers.getAll(HttpHeaderNames.TRANSFER_ENCODING);
    if (!codings.isEmpty()
        && (codings.size() > 1
            || !HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(codings.get(0))
            || version.minorVersion() == 0)) {
      throw Failure.of(Problem.HTTP_MALFORMED, "a transfer coding other than chunked");
    }
    if (HttpUtil.getContentLength(head, 0L) > longestBody) {
      throw BodyBuffer.tooLarge(longestBody);
    }
    String expect = headers.get(HttpHeaderNames.EXPECT);
    if (expect != null && !HttpHeaderValues.CONTINUE.contentEqualsIgnoreCase(expect)) {
      throw Failure.of(Problem.EXPECTATION_FAILED, "an expectation other than 100-continue");
    }
  }

  /** Checks a piece of a request's body. */
  static void checkBody(HttpContent piece) throws Failure {
    if (piece.decoderResult().isFailure()) {
      throw undecodable(piece.decoderResult().cause());
    }
  }

  private static Failure undecodable(Throwable cause) {
    if (cause instanceof TooLongHttpLineException) {
      return Failure.of(Problem.URI_TOO_LONG, "the request line is over 4 KiB");
    }
    if (cause instanceof TooLongHttpHeaderException) {
      return Failure.of(Problem.HEADERS_TOO_LARGE, "the headers are over 8 KiB");
    }
    return Failure.of(Problem.HTTP_MALFORMED, "the request can't be read as HTTP/1.1");
  }

  /** Whether an exception in the pipeline only says that the peer sent rubbish. */
  static boolean isPeersFault(Throwable cause) {
    return cause instanceof DecoderException;
  }

  /**
   * The interim answer that a peer waits for before it sends its body (RFC 9110 section 10.1.1).
   */
  static FullHttpResponse proceed() {
    return new DefaultFullHttpResponse(
        HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER);
  }

  /**
   * The answer as it goes out.
   *
   * @param request what it answers, if that could be read
   */
  static FullHttpResponse message(
      Response response, @Nullable HttpRequest request, boolean keepAlive) {
    byte[] body = response.body();
    boolean headOnly = request != null && HttpMethod.HEAD.equals(request.method());
    FullHttpResponse message =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            response.status().line(),
            Unpooled.wrappedBuffer(headOnly ? NOTHING : body),
            DefaultHttpHeadersFactory.headersFactory(),
            DefaultHttpHeadersFactory.trailersFactory());
    HttpHeaders headers = message.headers();
    if (response.contentType() != null) {
      headers.set(HttpHeaderNames.CONTENT_TYPE, response.contentType());
    }
    for (Response.Header header : response.headers()) {
      headers.set(header.name(), header.value());
    }
    // A 304 has no body, and a length would speak of the body that it stands for.
    if (response.status() != Status.NOT_MODIFIED) {
      headers.setInt(HttpHeaderNames.CONTENT_LENGTH, body.length);
    }
    if (!keepAlive) {
      headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    } else if (request != null && request.protocolVersion().minorVersion() == 0) {
      headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
    }
    return message;
  }
}
