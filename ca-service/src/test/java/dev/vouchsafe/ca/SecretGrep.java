package dev.vouchsafe.ca;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;

/** Looks for a secret in every file of a folder: as it is, in hexadecimal and in base64. */
final class SecretGrep {
  private SecretGrep() {}

  static List<Path> filesWith(Path folder, byte[] secret) throws IOException {
    List<String> forms =
        List.of(
            new String(secret, StandardCharsets.ISO_8859_1),
            Octets.hex(secret),
            Base64.getEncoder().withoutPadding().encodeToString(secret),
            Base64.getUrlEncoder().withoutPadding().encodeToString(secret));
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).filter(file -> holds(file, forms)).toList();
    }
  }

  private static boolean holds(Path file, List<String> forms) {
    try {
      String content = Files.readString(file, StandardCharsets.ISO_8859_1);
      return forms.stream().anyMatch(content::contains);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
