package dev.vouchsafe.cli.demo;

import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * TLS that verifies nobody, for the one fetch that can't: the bundle's own, before there is a
 * bundle. What comes over it is worth nothing until its fingerprint was compared.
 */
final class InsecureFirstFetch extends X509ExtendedTrustManager {
  private InsecureFirstFetch() {}

  static SSLContext context() throws GeneralSecurityException {
    return LeafDevice.context(new TrustManager[] {new InsecureFirstFetch()});
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) {}

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) {}

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
