package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.AuthorityRequest;
import dev.vouchsafe.ca.CertificateAuthorities;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.OutsideException;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.ca.clock.TrustedClocks;
import dev.vouchsafe.keys.SoftwareCrypto;
import dev.vouchsafe.trust.TrustBundleStore;
import java.io.IOException;
import java.io.PrintStream;
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

  /** The same, told by the service where one has the home. */
  static Optional<JsonNode> waits(Home home) throws CommandFailure {
    // Not everybody who may use the socket may read the lock and the ledger.
    if (HomeLock.isHeld(home) || !Files.isReadable(home.data())) {
      return waits(AdminCommands.client(home));
    }
    return waiting(home).map(request -> told(request, "prepared"));
  }

  /** The request that waits, as the service tells it. */
  static Optional<JsonNode> waits(ServiceClient client) throws CommandFailure {
    JsonNode items = client.getJson("/authorities/requests").path("items");
    return items.isEmpty() ? Optional.empty() : Optional.of(items.get(0));
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

  /**
   * Whether its device CAs are certified elsewhere and no service has it, which would take the
   * steps itself.
   */
  boolean isOursToChange() {
    if (HomeLock.isHeld(home)) {
      return false;
    }
    try {
      List<AuthorityInfo> authorities =
          CertificateAuthorities.list(ConfigurationFile.read(home).authority(home.data()));
      // Without any, its first one was requested, and perhaps given up.
      return authorities.isEmpty()
          || authorities.stream()
              .anyMatch(authority ->
                  authority.role() == AuthorityInfo.Role.ROOT
                      && authority.state() == AuthorityInfo.State.ACTIVE
                      && authority.keyStore().equals(AuthorityInfo.OUTSIDE));
    } catch (ConfigurationException | IOException e) {
      return false;
    }
  }

  /** Whether a service has it, or answers on its socket for administrators. */
  boolean isServed() {
    if (HomeLock.isHeld(home)) {
      return true;
    }
    try {
      // Not everybody who may use the socket may read the lock.
      JsonNode _ = AdminCommands.client(home).getJson("/authorities/requests");
      return true;
    } catch (CommandFailure e) {
      return false;
    }
  }

  /** One step on the home's CA. */
  private interface Step<T> {
    T take(Configuration configuration, KeyStores stores, SoftwareCrypto crypto)
        throws IOException, OutsideException;
  }

  /**
   * Makes the next device CA's key and the request for its certificate.
   *
   * @param keyStore where, if it is said
   */
  AuthorityRequest prepare(Optional<String> keyStore) throws CommandFailure {
    return alone((configuration, stores, crypto) -> {
      try (TrustedClock clock = clock(configuration)) {
        return CertificateAuthorities.request(
            configuration.authority(home.data()), stores, crypto, clock, keyStore);
      }
    });
  }

  /**
   * Gives the request up that waits.
   *
   * @return the id of the device CA that will not be
   */
  String abort() throws CommandFailure {
    return alone((configuration, stores, crypto) -> CertificateAuthorities.giveUp(home.data()));
  }

  /** The time as the service would believe it. */
  private TrustedClock clock(Configuration configuration) {
    return TrustedClocks.open(
        configuration.clock(home),
        console.clock(),
        () -> CertificateAuthorities.newest(home.data()));
  }

  /**
   * Takes the certificate for the request that waits.
   *
   * @return the device CA that issues from the next start on
   */
  AuthorityInfo activate(byte[] file) throws CommandFailure {
    List<AuthorityInfo> infos =
        alone((configuration, stores, crypto) -> {
          try (TrustedClock clock = clock(configuration)) {
            return CertificateAuthorities.accept(
                configuration.authority(home.data()),
                stores,
                crypto,
                clock,
                file,
                anchor -> publish(configuration, anchor));
          }
        });
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
      if (e.getCause() instanceof IssuanceException refused
          && refused.reason() == IssuanceException.Reason.CLOCK_UNTRUSTED) {
        throw CommandFailure.unavailable(
            Causes.of(e) + "; set the machine's clock right; nothing was changed", e);
      }
      throw KeyStoreFailures.tellsOfAbsence(e)
          ? CommandFailure.unavailable("the key store is away: " + Causes.of(e), e)
          : CommandFailure.failed(Causes.of(e) + "; see `vouchsafe check`", e);
    }
  }

  /** One that was made just now, or waits, as the service tells it. */
  static void print(PrintStream out, boolean asJson, JsonNode request, String homeArgument)
      throws IOException {
    if (asJson) {
      ObjectNode document = request.deepCopy();
      document.put("next", next(homeArgument));
      Json.print(out, document);
      return;
    }
    out.println(
        CaSteps.harmless(
            request.path("id").asText()
                + " ('"
                + request.path("subject").asText()
                + "', key in key store "
                + request.path("keyStore").asText()
                + ") waits for its certificate"));
    out.println("next: " + next(homeArgument));
  }

  /** It in the form in which the service tells it. */
  static JsonNode told(AuthorityRequest request, String state) {
    ObjectNode told = JsonNodeFactory.instance.objectNode();
    told.put("id", request.id());
    told.put("role", DEVICE);
    told.put("state", state);
    told.put("keyStore", request.keyStore());
    told.put("subject", request.subject());
    told.put("request", request.pem());
    return told;
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
