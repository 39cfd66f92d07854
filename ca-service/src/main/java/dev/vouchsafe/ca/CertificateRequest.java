package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What a caller asks for, as it asked: nothing in it is believed before it was held against the
 * {@link Grant}.
 *
 * @param profile the profile
 * @param csrPem a PKCS#10 request in PEM (RFC 2986, RFC 7468), or nothing: then a key pair is made
 *     here
 * @param commonName the name for the subject; also a DNS or IP name of a server certificate
 * @param dns DNS names asked for; with {@code ip}, {@code commonName} and the CSR naming none, all
 *     granted names without a wildcard are taken
 * @param ip IP addresses asked for
 * @param ttl lifetime asked for; one over the cap is shortened
 * @param keyType type of the key pair made here, such as {@code ec-p256}; if absent, the configured
 *     one
 */
public record CertificateRequest(
    Profile profile,
    Optional<String> csrPem,
    Optional<String> commonName,
    List<String> dns,
    List<String> ip,
    Optional<Duration> ttl,
    Optional<String> keyType) {
  public CertificateRequest {
    dns = List.copyOf(dns);
    ip = List.copyOf(ip);
  }

  /** A request for that profile with every default. */
  public static CertificateRequest of(Profile profile) {
    return new CertificateRequest(
        profile,
        Optional.empty(),
        Optional.empty(),
        List.of(),
        List.of(),
        Optional.empty(),
        Optional.empty());
  }
}
