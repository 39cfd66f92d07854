package dev.vouchsafe.ca;

/**
 * What proves that a backup was made by this gateway: the audit key's public half, which verifies
 * it, and its private half as a key store of this gateway sealed it, which no other can unseal.
 *
 * @param keyStore name of that store
 * @param publicKey SubjectPublicKeyInfo in DER, as base64
 * @param sealed the private half, sealed, as base64
 */
public record BackupSealer(String keyStore, String publicKey, String sealed) {}
