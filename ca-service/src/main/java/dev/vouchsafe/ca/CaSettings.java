package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;

/**
 * What the CA is to be.
 *
 * @param directory the folder of its database, {@code ca.db}, and of {@code jwks.json}
 * @param identity who the gateway is
 * @param lifetimes how long certificates live
 * @param tokens how long tokens and their keys live
 * @param rootKey type of the root's key
 * @param deviceKey type of the device CA's key
 * @param leafKey type of a module's key when none is asked for
 * @param issuing whether an issuing CA signs leaves in the device CA's place
 * @param liveCertificates how many certificates that have not ended each registration may have, if
 *     that is limited
 * @param revocation how revocations are told
 * @param ledger how much room the ledger may take
 * @param profiles what certificates say
 */
public record CaSettings(
    Path directory,
    GatewayIdentity identity,
    Lifetimes lifetimes,
    TokenLifetimes tokens,
    KeyType rootKey,
    KeyType deviceKey,
    KeyType leafKey,
    IssuingCaSettings issuing,
    OptionalLong liveCertificates,
    RevocationSettings revocation,
    LedgerSettings ledger,
    Profiles profiles) {
  /** With the built-in profiles and no others. */
  public CaSettings(
      Path directory,
      GatewayIdentity identity,
      Lifetimes lifetimes,
      TokenLifetimes tokens,
      KeyType rootKey,
      KeyType deviceKey,
      KeyType leafKey,
      IssuingCaSettings issuing,
      OptionalLong liveCertificates,
      RevocationSettings revocation,
      LedgerSettings ledger) {
    this(
        directory,
        identity,
        lifetimes,
        tokens,
        rootKey,
        deviceKey,
        leafKey,
        issuing,
        liveCertificates,
        revocation,
        ledger,
        Profiles.builtIn(lifetimes, identity.layer()));
  }

  /** With the built-in profiles; revocations told, and the ledger kept, as by default. */
  public CaSettings(
      Path directory,
      GatewayIdentity identity,
      Lifetimes lifetimes,
      TokenLifetimes tokens,
      KeyType rootKey,
      KeyType deviceKey,
      KeyType leafKey,
      IssuingCaSettings issuing,
      OptionalLong liveCertificates) {
    this(
        directory,
        identity,
        lifetimes,
        tokens,
        rootKey,
        deviceKey,
        leafKey,
        issuing,
        liveCertificates,
        RevocationSettings.defaults(),
        LedgerSettings.STANDARD);
  }

  /** The longest that a certificate of a module, a device or a child gateway may live. */
  public Duration longestLife() {
    Duration builtIn = Profiles.builtIn(lifetimes, identity.layer()).longest();
    return profiles.longest().compareTo(builtIn) > 0 ? profiles.longest() : builtIn;
  }
}
