package dev.vouchsafe.cli;

import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.AuthorityRequest;
import dev.vouchsafe.ca.CertificateAuthorities;
import dev.vouchsafe.ca.OutsideException;
import dev.vouchsafe.keys.SoftwareCrypto;
import dev.vouchsafe.trust.TrustBundleStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;

/**
 * A home whose device CA is certified elsewhere. Its steps are taken while no service has the home:
 * request, answer, and the next start issues by it.
 */
final class OutsideHome {
  private static final String DEVICE = "device";

  private final Home home;
  private final Console console;

  OutsideHome(Home home, Console console) {
    this.home = home;
    this.console = console;
  }

  /** The request that waits, if there is one; nothing, if that can't be read. */
  static Optional<AuthorityRequest> waiting(Home home) {
    try {
      return requests(home).stream().findFirst();
    } catch (IOException e) {
      // What is wrong is told by those who need the ledger.
      return Optional.empty();
    }
  }

  private static List<AuthorityRequest> requests(Home home) throws IOException {
    return Files.isRegularFile(home.data().resolve("ca.db"))
        ? CertificateAuthorities.requests(home.data())
        : List.of();
  }

  /** The request of a home that has no device CA yet: nothing is issued before it is answered. */
  static Optional<AuthorityRequest> withoutCertificate(Home home) {
    return waiting(home).filter(AuthorityRequest::first);
  }

  /** Where it stands and what is next, for people. */
  static String told(AuthorityRequest request) {
    return request.id()
        + " ('"
        + request.subject()
        + "', key in key store "
        + request.keyStore()
        + ") waits for its certificate";
  }

  /** The next step while it waits. */
  static String next(String homeArgument) {
    return "have what `vouchsafe "
        + homeArgument
        + "ca request` prints signed by your CA, then `vouchsafe "
        + homeArgument
        + "ca activate --certificate FILE`";
  }

  /** Whether its device CAs are certified elsewhere. */
  boolean isOutside() {
    try {
      return CertificateAuthorities.list(ConfigurationFile.read(home).authority(home.data()))
          .stream()
          .anyMatch(authority ->
              authority.role() == AuthorityInfo.Role.ROOT
                  && authority.state() == AuthorityInfo.State.ACTIVE
                  && authority.keyStore().equals(AuthorityInfo.OUTSIDE));
    } catch (ConfigurationException | IOException e) {
      return false;
    }
  }

  /** One step on the home's CA. */
  private interface Step<T> {
    T take(Configuration configuration, KeyStores stores, SoftwareCrypto crypto)
        throws IOException, OutsideException;
  }

  /** Makes the next device CA's key and the request for its certificate. */
  AuthorityRequest prepare() throws CommandFailure {
    return alone((configuration, stores, crypto) ->
        CertificateAuthorities.request(
            configuration.authority(home.data()), stores, crypto, console.clock()));
  }

  /**
   * Takes the certificate for the request that waits.
   *
   * @return the device CA that issues from the next start on
   */
  AuthorityInfo activate(byte[] file) throws CommandFailure {
    List<AuthorityInfo> infos =
        alone((configuration, stores, crypto) ->
            CertificateAuthorities.accept(
                configuration.authority(home.data()),
                stores,
                crypto,
                console.clock(),
                file,
                anchor -> publish(configuration, anchor)));
    return infos.stream()
        .filter(info ->
            info.role() == AuthorityInfo.Role.DEVICE && info.state() == AuthorityInfo.State.ACTIVE)
        .findFirst()
        .orElseThrow(() -> CommandFailure.failed("no " + DEVICE + " CA is active"));
  }

  /** The bundle of a new home; the next start brings one that is there up to date. */
  private void publish(Configuration configuration, X509Certificate anchor) throws IOException {
    if (!Files.exists(home.bundle(), LinkOption.NOFOLLOW_LINKS)) {
      TrustBundleStore.create(home.bundle(), configuration.bundle().refresh(), List.of(anchor));
    }
  }

  /** What another user made in the folder, be it root, the service could not open later. */
  private void requireOwner() throws IOException, CommandFailure {
    long owner = FileTrust.owner(home.data());
    if (owner != FileTrust.ownUser()) {
      throw CommandFailure.failed(
          "run this as the user that the home belongs to (user id "
              + owner
              + "), such as with `runuser`; nothing was changed");
    }
  }

  private <T> T alone(Step<T> step) throws CommandFailure {
    try {
      HomeFormat.require(home);
      FileTrust.requireFolder("the data folder", home.data());
      requireOwner();
      Configuration configuration = ConfigurationFile.read(home);
      SoftwareCrypto crypto = SoftwareCrypto.choose();
      try (HomeLock _ = HomeLock.take(home);
          KeyStores stores = KeyStores.of(home, console.environment(), crypto)) {
        return step.take(configuration, stores, crypto);
      }
    } catch (ConfigurationException e) {
      throw CommandFailure.failed(e.getMessage() + "; nothing was changed", e);
    } catch (OutsideException e) {
      throw CommandFailure.failed(e.getMessage() + "; nothing was changed", e);
    } catch (IOException e) {
      throw KeyStoreFailures.tellsOfAbsence(e)
          ? CommandFailure.unavailable("the key store is away: " + Causes.of(e), e)
          : CommandFailure.failed(Causes.of(e) + "; see `vouchsafe check`", e);
    }
  }

  /** The certificates that a person names. */
  static byte[] read(Path file) throws CommandFailure {
    try {
      return InitRoot.octets(file);
    } catch (IOException e) {
      throw CommandFailure.failed(Causes.of(e), e);
    }
  }
}
