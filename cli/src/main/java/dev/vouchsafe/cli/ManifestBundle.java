package dev.vouchsafe.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * The manifest trust bundle: certificates that IoT Edge's agent verifies a deployment's signature
 * with. It is the operator's file, read once at start.
 */
final class ManifestBundle {
  private static final int MOST_OCTETS = 256 * 1024;

  private ManifestBundle() {}

  /** The file's certificates, of which there is at least one, and nothing else that it may hold. */
  static String read(Path file) throws CommandFailure {
    try {
      FileTrust.require(file);
      byte[] octets = octets(file);
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      Collection<? extends Certificate> certificates =
          factory.generateCertificates(new ByteArrayInputStream(octets));
      if (certificates.isEmpty()) {
        throw wrong(file + " holds no certificate in PEM", null);
      }
      StringBuilder pem = new StringBuilder();
      for (Certificate certificate : certificates) {
        pem.append(Certificates.pem(certificate));
      }
      return pem.toString();
    } catch (ConfigurationException | CertificateException e) {
      throw wrong(file + ": " + Causes.text(e), e);
    } catch (IOException e) {
      throw wrong(Causes.of(e), e);
    }
  }

  private static byte[] octets(Path file) throws IOException, CommandFailure {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] octets = in.readNBytes(MOST_OCTETS + 1);
      if (octets.length > MOST_OCTETS) {
        throw wrong(file + " is over " + MOST_OCTETS + " octets", null);
      }
      return octets;
    }
  }

  private static CommandFailure wrong(String what, @Nullable Exception cause) {
    String message = ConfigurationKey.MANIFEST.title() + ": " + what;
    return cause == null ? CommandFailure.failed(message) : CommandFailure.failed(message, cause);
  }
}
