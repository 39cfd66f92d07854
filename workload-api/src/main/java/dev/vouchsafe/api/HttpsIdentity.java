package dev.vouchsafe.api;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Optional;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * Hands the https listener's current certificate to each handshake. A handshake that has begun with
 * one ends with that one; connections that are open keep theirs.
 */
final class HttpsIdentity extends X509ExtendedKeyManager {
  private volatile @Nullable Credential current;
  private volatile @Nullable Credential previous;
  private long number;

  /** A certificate chain and its key, in memory only. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared; copied on its way in and out.
  private record Credential(
      String alias,
      X509Certificate[] chain,
      PrivateKey key,
      Instant notBefore,
      Instant renewAfter) {
    @Override
    public String toString() {
      return "Credential[" + alias + "]";
    }
  }

  /** Shows this one from now on. */
  synchronized void use(
      X509Certificate[] chain, PrivateKey key, Instant notBefore, Instant renewAfter) {
    previous = current;
    number++;
    current = new Credential("https-" + number, chain.clone(), key, notBefore, renewAfter);
  }

  /** Whether it is time for another: there is none, it is half over, or the clock went back. */
  boolean due(Instant now) {
    Credential credential = current;
    return credential == null
        || now.isBefore(credential.notBefore())
        || !now.isBefore(credential.renewAfter());
  }

  /** The certificate shown now. */
  Optional<X509Certificate> certificate() {
    Credential credential = current;
    return credential == null ? Optional.empty() : Optional.of(credential.chain()[0]);
  }

  @Override
  public @Nullable String chooseEngineServerAlias(
      String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
    Credential credential = current;
    if (credential == null || !credential.key().getAlgorithm().equals(keyType)) {
      return null;
    }
    return credential.alias();
  }

  @Override
  public X509Certificate @Nullable [] getCertificateChain(String alias) {
    Credential credential = byAlias(alias);
    return credential == null ? null : credential.chain().clone();
  }

  @Override
  public @Nullable PrivateKey getPrivateKey(String alias) {
    Credential credential = byAlias(alias);
    return credential == null ? null : credential.key();
  }

  @Override
  public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
    String alias = chooseEngineServerAlias(keyType, issuers, null);
    return alias == null ? null : new String[] {alias};
  }

  @Override
  public @Nullable String chooseServerAlias(
      String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return chooseEngineServerAlias(keyType, issuers, null);
  }

  @Override
  public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
    return null;
  }

  @Override
  public @Nullable String chooseClientAlias(
      String[] keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return null;
  }

  private @Nullable Credential byAlias(String alias) {
    for (Credential credential : new Credential[] {current, previous}) {
      if (credential != null && credential.alias().equals(alias)) {
        return credential;
      }
    }
    return null;
  }
}
