package dev.vouchsafe.cli;

import dev.vouchsafe.api.ApiSettings;
import dev.vouchsafe.ca.CaSettings;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.IssuingCaSettings;
import dev.vouchsafe.ca.Lifetimes;
import dev.vouchsafe.ca.TokenLifetimes;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.Pkcs11Uri;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * What {@code vouchsafe.toml} says, every value checked and every default filled in.
 *
 * @param gateway who the gateway is
 * @param listen where it listens
 * @param keys where the private keys live
 * @param lifetimes how long certificates live
 * @param tokens how long tokens and their keys live
 * @param limits how much is taken on at once
 * @param bundle how the trust bundle is published
 */
record Configuration(
    GatewayIdentity gateway,
    Listen listen,
    Keys keys,
    Lifetimes lifetimes,
    TokenLifetimes tokens,
    ApiSettings.Limits limits,
    Bundle bundle) {
  /** The longest path of a Unix socket, in octets: {@code sockaddr_un} without its last NUL. */
  static final int LONGEST_SOCKET_PATH = 107;

  /**
   * Where it listens.
   *
   * @param workload path of the modules' socket
   * @param admin path of the administrators' socket
   * @param https the https listener, absent if it is off
   */
  record Listen(Path workload, Path admin, Optional<HostPort> https) {}

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
   * @param store the kind of store, and where it is
   * @param rootType type of the root's key
   * @param deviceType type of the device CA's key
   * @param leafType type of a module's key when none is asked for
   */
  record Keys(Store store, KeyType rootType, KeyType deviceType, KeyType leafType) {}

  /** The kinds of key store. */
  sealed interface Store {
    /** Encrypted files in the data folder. */
    record Software(Seal seal) implements Store {}

    /** A PKCS#11 token. */
    record Pkcs11(Pkcs11Uri uri) implements Store {}
  }

  /** Where the sealing secret comes from, as the configuration says it. */
  sealed interface Seal {
    /** The file that {@code init} makes. */
    record Generated() implements Seal {}

    /** A file with a passphrase. */
    record Passphrase(Path file) implements Seal {}

    /** A systemd credential of that name. */
    record Credential(String name) implements Seal {}
  }

  /**
   * How the trust bundle is published.
   *
   * @param refresh how often a reader should ask again
   * @param manifest file of the manifest trust bundle, if there is one
   */
  record Bundle(Duration refresh, Optional<Path> manifest) {}

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
        IssuingCaSettings.standard());
  }
}
