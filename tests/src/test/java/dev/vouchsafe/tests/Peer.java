package dev.vouchsafe.tests;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManagerFactory;

/**
 * A module that speaks TLS with others: it renews its certificate when it is told to, fetches the
 * trust bundle as often as it is told to, and holds a real handshake, in memory, with any other.
 */
final class Peer {
  private static final char[] PASSWORD = "in memory".toCharArray();
  private static final int LONGEST_RECORD = 1 << 15;
  private static final int MOST_TURNS = 50;

  private final String name;
  private final Path socket;
  private final int ttlSeconds;
  private String tag = "";

  /** One certificate with its key and chain, leaf first. */
  record Identity(List<X509Certificate> chain, PrivateKey key, Instant renewAfter) {}

  /** What it shows and whom it trusts; changed whole. */
  private record State(Identity identity, List<X509Certificate> roots, SSLContext tls) {}

  private volatile State state;

  /** A module of that name, with its first certificate. */
  Peer(String name, Path socket, int ttlSeconds) throws IOException, GeneralSecurityException {
    this.name = name;
    this.socket = socket;
    this.ttlSeconds = ttlSeconds;
    try (UnixHttp http = new UnixHttp(socket)) {
      UnixHttp.Answer bundle = http.get("/v1/trust-bundle?module=" + name);
      tag = bundle.header("etag");
      List<X509Certificate> roots = Certificates.read(bundle.body());
      Identity identity = issued(http);
      this.state = new State(identity, roots, tls(identity, roots));
    }
  }

  Identity identity() {
    return state.identity();
  }

  List<X509Certificate> roots() {
    return state.roots();
  }

  private Identity issued(UnixHttp http) throws IOException, GeneralSecurityException {
    UnixHttp.Answer answer =
        http.post(
            "/v1/certificates?module=" + name,
            "{\"profile\":\"identity\",\"ttlSeconds\":" + ttlSeconds + "}");
    if (answer.status() != 201) {
      throw new IOException("no certificate: " + answer.status() + " " + answer.body());
    }
    String pem = answer.text("privateKey").replaceAll("-----[A-Z ]+-----|\\s", "");
    PrivateKey key =
        KeyFactory.getInstance("EC")
            .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
    return new Identity(
        Certificates.read(answer.text("certificate")),
        key,
        Instant.parse(answer.text("renewAfter")));
  }

  /** Asks for another certificate, if it is time for it. */
  void renew(Instant now) throws IOException, GeneralSecurityException {
    if (now.isBefore(identity().renewAfter())) {
      return;
    }
    try (UnixHttp http = new UnixHttp(socket)) {
      Identity identity = issued(http);
      state = new State(identity, state.roots(), tls(identity, state.roots()));
    }
  }

  /** Fetches the trust bundle, if it has changed. */
  void follow() throws IOException, GeneralSecurityException {
    try (UnixHttp http = new UnixHttp(socket)) {
      UnixHttp.Answer answer =
          http.exchange(
              "GET /v1/trust-bundle?module="
                  + name
                  + " HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: "
                  + tag
                  + "\r\n\r\n");
      if (answer.status() == 200) {
        tag = answer.header("etag");
        List<X509Certificate> roots = Certificates.read(answer.body());
        state = new State(state.identity(), roots, tls(state.identity(), roots));
      } else if (answer.status() != 304) {
        throw new IOException("no trust bundle: " + answer.status() + " " + answer.body());
      }
    }
  }

  /** A handshake of TLS 1.3 as the client, in which each verifies the other. */
  void shakeHandsWith(Peer server) throws SSLException {
    handshake(state.tls().createSSLEngine(), server, true);
  }

  /** A handshake of one who trusts those roots and nobody knows. */
  static void shakeHands(List<X509Certificate> roots, Peer server)
      throws IOException, GeneralSecurityException {
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(null, trust(roots).getTrustManagers(), null);
    handshake(tls.createSSLEngine(), server, false);
  }

  private static void handshake(SSLEngine client, Peer server, boolean mutual) throws SSLException {
    client.setUseClientMode(true);
    SSLEngine other = server.state.tls().createSSLEngine();
    other.setUseClientMode(false);
    other.setNeedClientAuth(mutual);
    ByteBuffer toServer = ByteBuffer.allocate(LONGEST_RECORD);
    ByteBuffer toClient = ByteBuffer.allocate(LONGEST_RECORD);
    client.beginHandshake();
    other.beginHandshake();
    for (int turn = 0; turn < MOST_TURNS; turn++) {
      step(client, toClient, toServer);
      step(other, toServer, toClient);
      if (isDone(client) && isDone(other) && toServer.position() == 0 && toClient.position() == 0) {
        return;
      }
    }
    throw new SSLException("the handshake did not end");
  }

  private static boolean isDone(SSLEngine engine) {
    return engine.getHandshakeStatus() == HandshakeStatus.NOT_HANDSHAKING;
  }

  /** Takes in what came, computes, and sends what there is to say. */
  private static void step(SSLEngine engine, ByteBuffer in, ByteBuffer out) throws SSLException {
    ByteBuffer data = ByteBuffer.allocate(LONGEST_RECORD);
    in.flip();
    SSLEngineResult taken = engine.unwrap(in, data);
    compute(engine);
    while (in.hasRemaining() && taken.bytesConsumed() > 0) {
      taken = engine.unwrap(in, data);
      compute(engine);
    }
    in.compact();
    while (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
      SSLEngineResult _ = engine.wrap(ByteBuffer.allocate(0), out);
      compute(engine);
    }
  }

  private static void compute(SSLEngine engine) {
    for (Runnable task = engine.getDelegatedTask();
        task != null;
        task = engine.getDelegatedTask()) {
      task.run();
    }
  }

  private static SSLContext tls(Identity identity, List<X509Certificate> roots)
      throws IOException, GeneralSecurityException {
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null, PASSWORD);
    own.setKeyEntry(
        "own", identity.key(), PASSWORD, identity.chain().toArray(X509Certificate[]::new));
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(own, PASSWORD);
    SSLContext tls = SSLContext.getInstance("TLSv1.3");
    tls.init(keys.getKeyManagers(), trust(roots).getTrustManagers(), null);
    return tls;
  }

  private static TrustManagerFactory trust(List<X509Certificate> roots)
      throws IOException, GeneralSecurityException {
    KeyStore anchors = KeyStore.getInstance("PKCS12");
    anchors.load(null, PASSWORD);
    for (X509Certificate root : roots) {
      anchors.setCertificateEntry("root-" + anchors.size(), root);
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(anchors);
    return trust;
  }
}
