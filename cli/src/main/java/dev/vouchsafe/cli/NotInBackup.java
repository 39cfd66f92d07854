package dev.vouchsafe.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** What a home needs and no backup of it can hold, for people. Without the keys it is worthless. */
final class NotInBackup {
  private NotInBackup() {}

  /**
   * Of a home with these stores.
   *
   * @param folders of which each store has one
   * @param keys where the configuration says that they are
   */
  static List<String> of(Home home, StoreFolders folders, Configuration.Keys keys)
      throws IOException {
    List<String> lacks = new ArrayList<>();
    for (KeyStoreName name :
        folders.all().stream().map(StoreFolders.Found::name).distinct().sorted().toList()) {
      lacks.add(of(name, folders, keys.places()));
    }
    lacks.add("the audit log, " + home.audit());
    lacks.add("files that " + home.configuration() + " names");
    return lacks;
  }

  private static String of(KeyStoreName name, StoreFolders folders, Configuration.Places places) {
    return switch (name) {
      case SOFTWARE -> "what opens the sealed keys: " + secret(places.seal(), folders);
      case PKCS11, ROOT_PKCS11 ->
          "the keys in " + KeyStores.location(name, places) + ", and its PIN";
      case TPM ->
          "the keys in "
              + KeyStores.location(name, places)
              + ", which no other TPM opens, and what its settings name"
              + (places
                      .tpm()
                      .keyAuth()
                      .filter(Configuration.Seal.Generated.class::isInstance)
                      .isPresent()
                  ? ": " + folders.tpmAuthKey()
                  : "");
    };
  }

  private static String secret(Configuration.Seal seal, StoreFolders folders) {
    return switch (seal) {
      case Configuration.Seal.Generated() -> folders.sealKey().toString();
      case Configuration.Seal.Passphrase(var file) -> "the passphrase in " + file;
      case Configuration.Seal.Credential(String name) -> "the systemd credential " + name;
    };
  }
}
