package dev.vouchsafe.ca;

import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Executor;

/** Makes and opens the gateway's CA. */
@SuppressWarnings("DoNotCallSuggester")
public final class CertificateAuthorities {
  private CertificateAuthorities() {}

  /**
   * Makes root and device CA: keys in the store, certificates and an empty ledger in the folder.
   * What is half made after a crash is the caller's to throw away, folder and key store together.
   *
   * @return the two authorities, root first
   * @throws IOException if the folder can't be written, holds a CA already, or the store fails; the
   *     message names what to change
   */
  public static List<AuthorityInfo> create(
      CaSettings settings, PrivateKeyStore store, SoftwareCrypto crypto, InstantSource clock)
      throws IOException {
    throw new UnsupportedOperationException();
  }

  /**
   * Opens the CA.
   *
   * @param executor where issuing runs; may have many threads
   * @throws IOException if the database is of another version, damaged or locked, or the store
   *     holds another key than the device CA's certificate; the message names what to change
   */
  public static CertificateAuthority open(
      CaSettings settings,
      PrivateKeyStore store,
      SoftwareCrypto crypto,
      InstantSource clock,
      Executor executor)
      throws IOException {
    throw new UnsupportedOperationException();
  }
}
