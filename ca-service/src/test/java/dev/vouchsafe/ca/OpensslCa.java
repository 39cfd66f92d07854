package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** CAs as administrators make them with openssl, good ones and bad ones, in files of a folder. */
final class OpensslCa {
  static final String CA = "basicConstraints=critical,CA:TRUE";
  static final String USAGE = "keyUsage=critical,keyCertSign,cRLSign";
  private static final String SKI = "subjectKeyIdentifier=hash";

  private final Path folder;
  private int lasting;

  /** What is made from now on lives for so many days. */
  OpensslCa lasting(int days) {
    lasting = days;
    return this;
  }

  private String days(int otherwise) {
    return String.valueOf(lasting > 0 ? lasting : otherwise);
  }

  OpensslCa(Path folder) {
    this.folder = folder;
  }

  String run(String program, String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(program));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(command + "\n" + output).isZero();
    return output;
  }

  String openssl(String... arguments) throws IOException, InterruptedException {
    return run("openssl", arguments);
  }

  byte[] read(String file) throws IOException {
    return Files.readAllBytes(folder.resolve(file));
  }

  void write(String file, String text) throws IOException {
    Files.writeString(folder.resolve(file), text, StandardCharsets.US_ASCII);
  }

  /** Several files, one after the other. */
  byte[] together(String... files) throws IOException {
    StringBuilder text = new StringBuilder();
    for (String file : files) {
      text.append(Files.readString(folder.resolve(file), StandardCharsets.US_ASCII));
    }
    return text.toString().getBytes(StandardCharsets.US_ASCII);
  }

  /** NAME.key in PKCS#8; kind such as {@code P-256}, {@code 2048} or {@code ED25519}. */
  void key(String name, String kind) throws IOException, InterruptedException {
    if (kind.startsWith("ED")) {
      openssl("genpkey", "-algorithm", kind, "-out", name + ".key");
      return;
    }
    boolean rsa = Character.isDigit(kind.charAt(0));
    openssl(
        "genpkey",
        "-algorithm",
        rsa ? "RSA" : "EC",
        "-pkeyopt",
        (rsa ? "rsa_keygen_bits:" : "ec_paramgen_curve:") + kind,
        "-out",
        name + ".key");
  }

  /** NAME.pem, signed by its own NAME.key, which is there. */
  void selfSigned(String name, String digest, String... extensions)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                "req",
                "-x509",
                "-new",
                "-key",
                name + ".key",
                "-" + digest,
                "-days",
                days(400),
                "-subj",
                "/O=Plant/CN=" + name,
                "-out",
                name + ".pem",
                "-config",
                empty(),
                "-addext",
                SKI));
    for (String extension : extensions) {
      command.add("-addext");
      command.add(extension);
    }
    openssl(command.toArray(String[]::new));
  }

  private String empty() throws IOException {
    write("empty.cnf", "[req]\ndistinguished_name=dn\n[dn]\n");
    return "empty.cnf";
  }

  /** NAME.pem for NAME.key, signed by another CA. */
  void signed(String name, String by, String digest, String... extensions)
      throws IOException, InterruptedException {
    openssl(
        "req",
        "-new",
        "-key",
        name + ".key",
        "-subj",
        "/O=Plant/CN=" + name,
        "-out",
        name + ".csr",
        "-config",
        empty());
    write(
        name + ".ext",
        SKI + "\nauthorityKeyIdentifier=keyid\n" + String.join("\n", extensions) + "\n");
    openssl(
        "x509",
        "-req",
        "-in",
        name + ".csr",
        "-CA",
        by + ".pem",
        "-CAkey",
        by + ".key",
        "-" + digest,
        "-days",
        days(300),
        "-extfile",
        name + ".ext",
        "-out",
        name + ".pem",
        "-set_serial",
        "0x" + Integer.toHexString(name.hashCode() & 0xffffff));
  }

  /** A good root NAME on P-256, and its key. */
  OpensslCa root(String name) throws IOException, InterruptedException {
    key(name, "P-256");
    selfSigned(name, "sha256", CA, USAGE);
    return this;
  }

  /** NAME.pem for the request in NAME.csr, with the extensions that it asks for. */
  void answered(String name, String by) throws IOException, InterruptedException {
    openssl(
        "x509",
        "-req",
        "-in",
        name + ".csr",
        "-CA",
        by + ".pem",
        "-CAkey",
        by + ".key",
        "-sha256",
        "-days",
        days(200),
        "-copy_extensions",
        "copy",
        "-out",
        name + ".pem");
  }

  /** The same with other extensions than it asks for. */
  void answeredWith(String name, String by, String... extensions)
      throws IOException, InterruptedException {
    write(name + ".ext", String.join("\n", extensions) + "\n");
    openssl(
        "x509",
        "-req",
        "-in",
        name + ".csr",
        "-CA",
        by + ".pem",
        "-CAkey",
        by + ".key",
        "-sha256",
        "-days",
        days(200),
        "-extfile",
        name + ".ext",
        "-out",
        name + ".pem");
  }

  /** Whether strongSwan's verifier is there, with the plugin that reads keys on P-256. */
  static boolean hasStrongSwan() {
    return Files.exists(Path.of("/usr/bin/pki"))
        && Files.exists(Path.of("/usr/lib/ipsec/plugins/libstrongswan-openssl.so"));
  }

  /** What strongSwan says of a chain, leaf first, where it trusts that top only. */
  Program.Ended strongSwan(String chain, Optional<String> top)
      throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>(List.of("--verify", "--in", "swan0.pem"));
    int count = 0;
    for (String each : chain.split("(?<=-----END CERTIFICATE-----\\n)", -1)) {
      if (!each.isBlank()) {
        write("swan" + count + ".pem", each);
        if (count > 0) {
          arguments.addAll(List.of("--cacert", "swan" + count + ".pem"));
        }
        count++;
      }
    }
    top.ifPresent(name -> arguments.addAll(List.of("--cacert", name + ".pem")));
    return new Program(folder).ended("pki", arguments.toArray(String[]::new));
  }
}
