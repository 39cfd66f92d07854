package dev.vouchsafe.ca;

/** Where the root of a new CA comes from. */
public sealed interface RootSource {
  /** It is made here, and signs itself. */
  record Self() implements RootSource {}

  /**
   * It was made elsewhere, and its key is put into the key store that is chosen for the root.
   *
   * @param root the CA with its key
   */
  record Import(ImportedRoot root) implements RootSource {}

  /**
   * It stays elsewhere: the device CA's key is made here, and a request for its certificate (RFC
   * 2986).
   */
  record Request() implements RootSource {}
}
