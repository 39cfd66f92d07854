package dev.vouchsafe.cli.demo;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Collection;
import java.util.HexFormat;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * A device that knows one fingerprint at first, and the trust bundle after that. It trusts nothing
 * else: not the system's CAs, not the connection that the bundle came by.
 */
final class LeafDevice {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  /**
   * Fetches the bundle over a connection that proves nothing yet, and takes it only if its first
   * certificate has the fingerprint that the device was given.
   *
   * @param fingerprint SHA-256 of the root's DER, lower-case hex
   * @return the bundle in PEM
   */
  String fetchBundle(URI bundle, String fingerprint) throws DemoException {
    try {
      String pem = get(bundle, InsecureFirstFetch.context());
      String seen =
          HexFormat.of()
              .formatHex(
                  MessageDigest.getInstance("SHA-256")
                      .digest(certificates(pem).iterator().next().getEncoded()));
      if (!seen.equals(fingerprint)) {
        throw new DemoException("the bundle's root is " + seen + ", not " + fingerprint);
      }
      return pem;
    } catch (GeneralSecurityException | IOException e) {
      throw new DemoException("could not fetch " + bundle + ": " + e, e);
    }
  }

  /** A GET over TLS that must verify, name included, with the bundle alone. */
  String getVerified(URI uri, String bundlePem) throws DemoException {
    try {
      return get(uri, trusting(bundlePem));
    } catch (GeneralSecurityException | IOException e) {
      throw new DemoException("the JDK did not verify " + uri + ": " + e, e);
    }
  }

  /**
   * Whether the same GET fails when the device trusts what the JDK trusts, instead of the bundle.
   */
  boolean refusedWithoutBundle(URI uri) throws DemoException {
    try {
      get(uri, trusting(null));
      return false;
    } catch (SSLException e) {
      return true;
    } catch (GeneralSecurityException | IOException e) {
      throw new DemoException("could not reach " + uri + ": " + e, e);
    }
  }

  private static String get(URI uri, SSLContext context) throws IOException {
    try (HttpClient client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(LIMIT)
            .sslContext(context)
            .build()) {
      HttpResponse<String> response =
          client.send(
              HttpRequest.newBuilder(uri).timeout(LIMIT).build(),
              HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
      if (response.statusCode() != 200) {
        throw new IOException(uri + " answered " + response.statusCode());
      }
      return response.body();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private static SSLContext trusting(@Nullable String bundlePem)
      throws GeneralSecurityException, IOException {
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(bundlePem == null ? null : store(bundlePem));
    return context(factory.getTrustManagers());
  }

  static SSLContext context(TrustManager[] trust) throws GeneralSecurityException {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust, null);
    return context;
  }

  private static KeyStore store(String bundlePem) throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    int count = 0;
    for (Certificate certificate : certificates(bundlePem)) {
      count++;
      store.setCertificateEntry("root-" + count, certificate);
    }
    return store;
  }

  private static Collection<? extends Certificate> certificates(String pem)
      throws GeneralSecurityException {
    Collection<? extends Certificate> found =
        CertificateFactory.getInstance("X.509")
            .generateCertificates(
                new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
    if (found.isEmpty() || !(found.iterator().next() instanceof X509Certificate)) {
      throw new GeneralSecurityException("there is no certificate in the bundle");
    }
    return found;
  }
}
