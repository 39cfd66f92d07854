package dev.vouchsafe.keys;

import java.util.List;

/**
 * What a key store stands on.
 *
 * @param kind the name of the backend: {@code software}, {@code pkcs11}, later {@code tpm}
 * @param location where it is, for people: a folder, a token's name
 * @param protection how the keys are protected at rest, in one sentence
 * @param warnings what an administrator should know or change, most important first; may be empty
 */
public record KeyStoreDescription(
    String kind, String location, String protection, List<String> warnings) {
  public KeyStoreDescription {
    warnings = List.copyOf(warnings);
  }
}
