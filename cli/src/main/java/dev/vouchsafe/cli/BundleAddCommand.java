package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.trust.CaFile;
import dev.vouchsafe.trust.CaRefusedException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Adds the CAs of other servers to the trust bundle. */
@Command(
    name = "add",
    description = {
      "Adds the CAs of other servers that modules are to trust to the bundle that the running"
          + " service publishes, all that the file holds or none. Readers that wait for a change are"
          + " woken. The SPIFFE bundle (JWK Set) never has them.",
      "Each must be a CA that is valid now, with a key of RSA from 2048 bits, P-256, P-384, P-521,"
          + " Ed25519 or Ed448. A file with a private key in it is refused, and not sent. It is in"
          + " the audit log before it is done."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe bundle add /etc/ssl/plant-ca.pem",
      "  openssl x509 -inform der -in plant-ca.cer | vouchsafe bundle add -"
    })
final class BundleAddCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable BundleCommand parent;

  @Parameters(
      paramLabel = "FILE",
      description = "A file with CA certificates in PEM; - for the standard input.")
  private String file = "";

  BundleAddCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = BundleCommand.globals(parent);
    String pem = pem(certificates());
    JsonNode bundle =
        AdminCommands.client(globals.home())
            .postJson(
                "/bundle/add",
                AdminCommands.body(json -> json.writeStringField("certificates", pem)));
    BundleShowCommand.print(console.out(), globals.json(), bundle);
    return ExitCode.DONE.number();
  }

  /** Looked at here already, so that a private key doesn't leave this process. */
  private List<X509Certificate> certificates() throws CommandFailure {
    try {
      return CaFile.read(octets());
    } catch (CaRefusedException e) {
      throw CommandFailure.failed(shown() + ": " + e.reason().code() + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw CommandFailure.failed(Causes.of(e), e);
    }
  }

  private byte[] octets() throws IOException {
    if (file.equals("-")) {
      return console.in().readNBytes(CaFile.LARGEST + 1);
    }
    try (InputStream in = Files.newInputStream(Path.of(file))) {
      return in.readNBytes(CaFile.LARGEST + 1);
    }
  }

  private String shown() {
    return file.equals("-") ? "standard input" : file;
  }

  private static String pem(List<X509Certificate> certificates) throws CommandFailure {
    StringBuilder pem = new StringBuilder();
    for (X509Certificate certificate : certificates) {
      try {
        pem.append(Certificates.pem(certificate));
      } catch (CertificateEncodingException e) {
        throw CommandFailure.failed("a certificate in it has no encoding", e);
      }
    }
    return pem.toString();
  }
}
