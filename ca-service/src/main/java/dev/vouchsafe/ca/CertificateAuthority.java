package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyStoreHealth;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Issues certificates from the gateway's device CA, and knows every one that it ever issued. Tokens
 * and the modules' symmetric keys hang on the same key store and the same ledger.
 */
public interface CertificateAuthority extends AutoCloseable {
  /**
   * Issues a leaf: prepare and lint, record the intent durably, sign, verify. The work runs on the
   * executor given at open; the future completes there too.
   *
   * <p>A certificate that will not be handed over must be given to {@link #withhold}.
   *
   * @return completes with the certificate, or exceptionally with an {@link IssuanceException}
   */
  CompletableFuture<IssuedCertificate> issue(Grant grant, CertificateRequest request);

  /** The names of the profiles of leaves that there are. */
  Set<Profile> profiles();

  /** Notes that the certificate was signed but not handed over. Needs no answer. */
  void withhold(IssuedCertificate certificate);

  /** Issues signed tokens. */
  TokenIssuer tokens();

  /** The modules' symmetric keys. */
  ModuleKeys moduleKeys();

  /** The key of the audit log, which hangs on the same key store. */
  AuditKey auditKey();

  /**
   * Every generation of root and device CA, the newest last, and then the issuing CAs whose
   * certificates have not ended.
   */
  List<AuthorityInfo> authorities();

  /**
   * The id of the device CA that signs now, such as {@code device-1}: what another one signed is
   * good, but comes with a chain that those who verify may forget. Never waits.
   */
  String signer();

  /** Takes back what was issued. */
  Revocations revocations();

  /** The steps in the life of authorities. */
  AuthorityChanges changes();

  /** Backups, and what one that was restored may not know. */
  Recovery recovery();

  /**
   * Finds each authority's key that may still sign, and lets it sign a certification request (RFC
   * 2986) of its own, which is then verified and thrown away.
   */
  List<AuthorityProof> prove();

  /** How each key store in use stands, by name. Never waits. */
  Map<String, KeyStoreHealth> keyStores();

  /** The same for front ends, which know no key store. */
  default List<KeyStoreStatus> keyStoreStatus() {
    return keyStores().entrySet().stream()
        .map(store ->
            new KeyStoreStatus(
                store.getKey(),
                store.getValue().state().name().toLowerCase(Locale.ROOT),
                store.getValue().reason()))
        .toList();
  }

  /** How the ledger stands. Never waits. */
  LedgerStatus ledger();

  /** The ledger's entries that the query asks for. */
  LedgerPage certificates(LedgerQuery query) throws IssuanceException;

  /** The ledger's entry for that serial (lower-case hex, two digits an octet). */
  Optional<LedgerEntry> certificate(String serial) throws IssuanceException;

  /** Waits for what is under way, records what is known, and closes the ledger. */
  @Override
  void close();
}
