package dev.vouchsafe.keys;

import static dev.vouchsafe.keys.TpmHome.CA;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.spec.ECGenParameterSpec;
import java.util.HexFormat;
import java.util.List;
import org.bouncycastle.asn1.pkcs.CertificationRequestInfo;
import org.bouncycastle.asn1.x500.X500Name;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A key shows that it works by an X.509 structure, as all that it signs. */
class KeyTrialTest {
  @TempDir Path place;
  @TempDir Path bin;
  @TempDir Path home;

  @ParameterizedTest
  @ValueSource(strings = {"secp256r1", "secp384r1", "RSA"})
  void itSignsARequestForItself(String kind) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance(kind.equals("RSA") ? kind : "EC");
    if (kind.equals("RSA")) {
      generator.initialize(2048);
    } else {
      generator.initialize(new ECGenParameterSpec(kind));
    }
    PublicKey key = generator.generateKeyPair().getPublic();
    CertificationRequestInfo request = CertificationRequestInfo.getInstance(KeyTrial.request(key));
    assertThat(request.getSubject()).isEqualTo(new X500Name("CN=vouchsafe key check"));
    assertThat(request.getSubjectPublicKeyInfo().getEncoded()).isEqualTo(key.getEncoded());
    assertThat(request.getAttributes()).isEmpty();
    assertThat(request.getEncoded("DER")).isEqualTo(KeyTrial.request(key));
  }

  @Test
  void aTpmIsGivenNothingElseToSignWhileAKeyIsMadeFoundAndExamined() throws Exception {
    for (String tool :
        List.of(
            "createprimary", "readpublic", "create", "load", "hmac", "getcap", "flushcontext")) {
      Files.createSymbolicLink(bin.resolve("tpm2_" + tool), Path.of("/usr/bin/tpm2_" + tool));
    }
    Path digests = Files.createFile(home.resolve("digests"));
    Path program = bin.resolve("tpm2_sign");
    Files.writeString(
        program,
        "#!/bin/sh\nod -An -v -tx1 digest | tr -d ' \\n' >> %1$s; echo >> %1$s\n".formatted(digests)
            + "exec /usr/bin/tpm2_sign \"$@\"\n");
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    try (Swtpm tpm = Swtpm.in(place)) {
      TpmHome keys = new TpmHome(home, tpm.tcti(), List.of(bin));
      PublicKey key;
      try (PrivateKeyStore store = keys.create()) {
        key = store.make(CA, KeyType.EC_P256).publicKey();
      }
      try (PrivateKeyStore store = keys.open()) {
        assertThat(store.find(CA)).isPresent();
      }
      keys.examine();
      assertThat(Files.readString(digests, UTF_8).lines())
          .hasSize(3)
          .containsOnly(HexFormat.of().formatHex(TpmStore.digest(KeyTrial.request(key))));
    }
  }
}
