package dev.vouchsafe.cli;

import dev.vouchsafe.api.ApiSettings;
import dev.vouchsafe.attestation.AttestationSettings;
import dev.vouchsafe.audit.AuditSettings;
import dev.vouchsafe.ca.CaSettings;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.IssuingCaSettings;
import dev.vouchsafe.ca.LedgerSettings;
import dev.vouchsafe.ca.Lifetimes;
import dev.vouchsafe.ca.Profiles;
import dev.vouchsafe.ca.RevocationSettings;
import dev.vouchsafe.ca.RotationSettings;
import dev.vouchsafe.ca.TokenLifetimes;
import dev.vouchsafe.ca.clock.ClockSettings;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PcrSelection;
import dev.vouchsafe.keys.Pkcs11Uri;
import dev.vouchsafe.keys.TpmSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What {@code vouchsafe.toml} says, every value checked and every default filled in.
 *
 * @param gateway who the gateway is
 * @param listen where it listens
 * @param keys where the private keys live
 * @param lifetimes how long certificates live
 * @param issuing whether an issuing CA signs leaves in the device CA's place
 * @param profiles what certificates say
 * @param tokens how long tokens and their keys live
 * @param attestation what the operator chose about measuring callers
 * @param limits how much is taken on at once
 * @param liveCertificates how many living certificates a registration may have, if that is limited
 * @param ledger how much room the ledger may take
 * @param revocation how revocations are told
 * @param audit how much of the audit log is kept
 * @param bundle how the trust bundle is published
 * @param rotation whether the device CA is rotated by itself, and when
 * @param untrusted what is done while the clock isn't trusted
 */
record Configuration(
    GatewayIdentity gateway,
    Listen listen,
    Keys keys,
    Lifetimes lifetimes,
    IssuingCaSettings issuing,
    Profiles profiles,
    TokenLifetimes tokens,
    AttestationSettings attestation,
    ApiSettings.Limits limits,
    OptionalLong liveCertificates,
    LedgerSettings ledger,
    RevocationSettings revocation,
    Audit audit,
    Bundle bundle,
    RotationSettings rotation,
    ClockSettings.Untrusted untrusted) {
  /** The longest path of a Unix socket, in octets: {@code sockaddr_un} without its last NUL. */
  static final int LONGEST_SOCKET_PATH = 107;

  /**
   * Where it listens.
   *
   * @param workload path of the modules' socket
   * @param spiffe path of the socket of the SPIFFE Workload API, unless it is off
   * @param admin path of the administrators' socket
   * @param https the https listener, absent if it is off
   */
  record Listen(Path workload, Optional<Path> spiffe, Path admin, Optional<HostPort> https) {
    /** The sockets that there are to be. */
    List<Path> sockets() {
      return Stream.of(Optional.of(workload), spiffe, Optional.of(admin))
          .flatMap(Optional::stream)
          .toList();
    }
  }

  /**
   * An address to bind.
   *
   * @param host an address or a name; empty for all addresses
   * @param port 0 for any free one
   */
  record HostPort(String host, int port) {}

  /**
   * Where the private keys live.
   *
   * @param store where new authorities go
   * @param rootStore where a new root goes
   * @param places where the key stores are, whichever of them are in use
   * @param rootType type of the root's key
   * @param deviceType type of the device CA's key
   * @param leafType type of a module's key when none is asked for
   */
  record Keys(
      KeyStoreName store,
      KeyStoreName rootStore,
      Places places,
      KeyType rootType,
      KeyType deviceType,
      KeyType leafType) {}

  /**
   * Where the key stores are.
   *
   * @param seal what the software store is sealed with
   * @param pkcs11 the token
   * @param rootPkcs11 the root's own token
   * @param pkcs11Helper whether the library of a token runs in a process of its own
   * @param tpm the TPM
   */
  record Places(
      Seal seal,
      Optional<Pkcs11Uri> pkcs11,
      Optional<Pkcs11Uri> rootPkcs11,
      boolean pkcs11Helper,
      Tpm tpm) {
    /** What leads to that store: the value of each setting, by its key. */
    Map<ConfigurationKey, Object> of(KeyStoreName name) {
      return switch (name) {
        case SOFTWARE -> Map.of(ConfigurationKey.SEAL, seal);
        case PKCS11 ->
            Map.of(
                ConfigurationKey.PKCS11_URI, pkcs11, ConfigurationKey.PKCS11_HELPER, pkcs11Helper);
        case ROOT_PKCS11 ->
            Map.of(
                ConfigurationKey.ROOT_PKCS11_URI,
                rootPkcs11,
                ConfigurationKey.PKCS11_HELPER,
                pkcs11Helper);
        case TPM ->
            Map.of(
                ConfigurationKey.TPM_TCTI,
                tpm.tcti(),
                ConfigurationKey.TPM_OWNER_AUTH,
                tpm.ownerAuth(),
                ConfigurationKey.TPM_KEY_AUTH,
                tpm.keyAuth(),
                ConfigurationKey.TPM_PCRS,
                tpm.pcrs(),
                ConfigurationKey.TPM_OBJECTS,
                tpm.objects());
      };
    }

    /** The settings of that store that are others there, for people; empty if none is. */
    String changed(KeyStoreName name, Places other) {
      Map<ConfigurationKey, Object> theirs = other.of(name);
      return of(name).entrySet().stream()
          .filter(ours -> !ours.getValue().equals(theirs.get(ours.getKey())))
          .map(ours -> ours.getKey().title())
          .sorted()
          .collect(Collectors.joining(", "));
    }
  }

  /**
   * How the TPM is reached and used.
   *
   * @param tcti the way to it, as tpm2-tools take it
   * @param ownerAuth auth value of the owner hierarchy, if it has one
   * @param keyAuth auth value of our keys, if they have one
   * @param pcrs what the device CA's key is bound to
   * @param objects where our keys are kept
   */
  record Tpm(
      Optional<String> tcti,
      Optional<Seal> ownerAuth,
      Optional<Seal> keyAuth,
      Optional<PcrSelection> pcrs,
      TpmSettings.Objects objects) {}

  /** Where a secret comes from, as the configuration says it. */
  sealed interface Seal {
    /** The file that {@code init} makes. */
    record Generated() implements Seal {}

    /** A file with a passphrase. */
    record Passphrase(Path file) implements Seal {}

    /** A systemd credential of that name. */
    record Credential(String name) implements Seal {}
  }

  /**
   * How much of the audit log is kept: whichever of the two is reached first.
   *
   * @param mebibytes how large it may be
   * @param days how old it may be
   */
  record Audit(int mebibytes, int days) {
    /** The settings of the log in that folder. */
    AuditSettings in(Path folder) {
      return AuditSettings.of(folder, mebibytes, days);
    }
  }

  /**
   * How the trust bundle is published.
   *
   * @param refresh how often a reader should ask again
   * @param manifest file of the manifest trust bundle, if there is one
   * @param extra files with CAs of other servers that are to be in it
   */
  record Bundle(Duration refresh, Optional<Path> manifest, List<Path> extra) {
    Bundle {
      extra = List.copyOf(extra);
    }
  }

  /** The clock's settings. */
  ClockSettings clock(Home home) {
    return new ClockSettings(home.clock(), new BuildInfo().madeAt(), untrusted);
  }

  /** The CA's settings, with its database in that folder. */
  CaSettings authority(Path folder) {
    return new CaSettings(
        folder,
        gateway,
        lifetimes,
        tokens,
        keys.rootType(),
        keys.deviceType(),
        keys.leafType(),
        issuing,
        liveCertificates,
        revocation,
        ledger,
        profiles);
  }
}
