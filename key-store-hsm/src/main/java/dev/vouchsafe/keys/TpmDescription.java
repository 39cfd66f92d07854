package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Says where the TPM is, what it protects the keys against, and against what it doesn't. */
final class TpmDescription {
  static final String IN_SOFTWARE =
      "tpm-tcti names a TPM in software: whoever copies its state, or takes its port, has the keys."
          + " It is for tests.";

  private TpmDescription() {}

  static KeyStoreDescription of(Path directory, TpmStoreFile header, TpmPlace place) {
    TpmTools tools = place.chip().tools();
    List<String> warnings = new ArrayList<>();
    if (tools.isInSoftware()) {
      warnings.add(IN_SOFTWARE);
    }
    addAuthWarnings(directory, header, place, warnings);
    if (!place.chip().slots().managed()) {
      warnings.add(
          "No resource manager was seen: each signature takes three programs instead of one, and"
              + " others at the same TPM get in the way. Set tpm-tcti to device:/dev/tpmrm0.");
    }
    return new KeyStoreDescription(
        "tpm",
        "TPM 2.0 at " + tools.way() + ", blobs in " + directory,
        "Each key is made in the TPM, fixed to it"
            + (header.persistent()
                ? ", at a persistent handle"
                : ", kept as a blob that only it loads")
            + "; secrets are sealed with AES-256-GCM under a secret that a key in the TPM derives"
            + " (HMAC-SHA256). A TPM signs some ten times a second: let an issuing CA sign the"
            + " rest.",
        warnings);
  }

  private static void addAuthWarnings(
      Path directory, TpmStoreFile header, TpmPlace place, List<String> warnings) {
    Optional<SealSource> source = place.objects().keyAuth().source();
    if (source.isEmpty()) {
      warnings.add(
          "The keys have no auth value: who reads "
              + directory
              + " and reaches the TPM of this machine can sign with them.");
      return;
    }
    try {
      Path file = SealSecret.file(source.get());
      if (SecureFiles.isShared(file)) {
        warnings.add(file + " can be read by its group: everybody in it has the keys' auth value.");
      }
    } catch (IOException | KeyFault.Failed e) {
      warnings.add("The file of tpm-key-auth can't be read now.");
    }
    if (header.sealingKey().publicArea().countsWrongAuth()) {
      warnings.add(
          "A wrong auth value in tpm-key-auth counts against the whole TPM, which locks itself"
              + " after some.");
    }
  }
}
