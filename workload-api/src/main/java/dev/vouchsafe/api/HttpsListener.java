package dev.vouchsafe.api;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.time.Duration;
import javax.net.ssl.SSLException;

/** The TLS side of the https listener. */
final class HttpsListener {
  /** Longer than a TLS 1.3 ticket may live, so that the JDK sends none (RFC 8446 section 4.6.1). */
  private static final Duration NO_RESUMPTION = Duration.ofDays(8);

  private HttpsListener() {}

  /**
   * TLS 1.3 alone, by the JDK. No resumption: each connection is made with the current certificate,
   * and no ticket key is kept.
   */
  static SslContext context(HttpsIdentity identity) throws IOException {
    try {
      return SslContextBuilder.forServer(identity)
          .sslProvider(SslProvider.JDK)
          .protocols("TLSv1.3")
          .clientAuth(ClientAuth.NONE)
          .sessionCacheSize(1)
          .sessionTimeout(NO_RESUMPTION.toSeconds())
          .build();
    } catch (SSLException e) {
      throw new IOException("https: TLS 1.3 can't be set up", e);
    }
  }
}
