package dev.vouchsafe.keys;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Says what the sealing of a software store protects against, and what not. */
final class SoftwareProtection {
  private SoftwareProtection() {}

  static KeyStoreDescription describe(
      Path directory, SealSource source, SealSecret secret, int iterations) {
    Path file = secret.file();
    String protection = "Each key is encrypted with AES-256-GCM, ";
    String derived = "under the passphrase (PBKDF2-HMAC-SHA256, " + iterations + " iterations) in ";
    List<String> warnings = new ArrayList<>();
    switch (source) {
      case SealSource.GeneratedFile _ -> {
        protection += "under the random secret in " + file + ".";
        warnings.add(
            file
                + " protects only a copy of the data folder: whoever reads that file as well has"
                + " the keys. It is in no backup; without it the keys are lost.");
      }
      case SealSource.PassphraseFile _ -> {
        protection += derived + file + ".";
        warnings.add(
            file
                + " protects only a copy of the data folder: whoever reads that file as well has"
                + " the keys.");
      }
      case SealSource.SystemdCredential credential ->
          protection += derived + "the systemd credential " + credential.name() + ".";
    }
    if (secret.isShort()) {
      warnings.addFirst(
          "The passphrase in "
              + file
              + " is short: use "
              + SealSecret.LONG_ENOUGH
              + " characters or more, since a copy of the data folder can be tried without end.");
    }
    return new KeyStoreDescription("software", directory.toString(), protection, warnings);
  }
}
