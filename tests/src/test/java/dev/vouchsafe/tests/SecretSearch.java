package dev.vouchsafe.tests;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** Looks for secrets where there should be none, as a thief of the disk would. */
final class SecretSearch {
  /** The octets that a private key in clear starts with, whatever the key is. */
  static final List<byte[]> STARTS_OF_KEYS =
      List.of(
          // PKCS#8 (RFC 5208): version 0, then id-ecPublicKey or rsaEncryption.
          HexFormat.of().parseHex("020100301306072a8648ce3d0201"),
          HexFormat.of().parseHex("020100301006072a8648ce3d0201"),
          HexFormat.of().parseHex("020100300d06092a864886f70d010101"),
          // SEC 1 ECPrivateKey of P-256 and P-384: version 1, then the scalar.
          HexFormat.of().parseHex("0201010420"),
          HexFormat.of().parseHex("0201010430"),
          "PRIVATE KEY-----".getBytes(StandardCharsets.US_ASCII),
          "MIGHAgEAMBMGByqGSM49AgEG".getBytes(StandardCharsets.US_ASCII),
          "MHcCAQEE".getBytes(StandardCharsets.US_ASCII));

  static boolean contains(byte[] all, byte[] part) {
    String text = new String(all, StandardCharsets.ISO_8859_1);
    return text.contains(new String(part, StandardCharsets.ISO_8859_1));
  }

  static List<String> filesWith(Path folder, List<byte[]> parts) throws IOException {
    List<String> found = new ArrayList<>();
    List<Path> files;
    try (Stream<Path> all = Files.walk(folder)) {
      files = all.filter(Files::isRegularFile).toList();
    }
    for (Path file : files) {
      byte[] content = Files.readAllBytes(file);
      if (parts.stream().anyMatch(part -> contains(content, part))) {
        found.add(folder.relativize(file).toString());
      }
    }
    return found;
  }

  /** A secret number as it may be written: raw, in hex and in base64. */
  static List<byte[]> spellings(byte[] secret) {
    return List.of(
        secret,
        HexFormat.of().formatHex(secret).getBytes(StandardCharsets.US_ASCII),
        Base64.getEncoder().withoutPadding().encode(secret));
  }

  private SecretSearch() {}
}
