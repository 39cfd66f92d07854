package dev.vouchsafe.cli;

import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.AuthorityProof;
import dev.vouchsafe.ca.AuthorityStores;
import dev.vouchsafe.ca.CertificateAuthorities;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyStoreFinding;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What {@code check} says of the key stores, and of the authorities' keys in them. */
final class KeyStoreChecks {
  private final Home home;
  private final Configuration configuration;
  private final StoreFolders folders;
  private final SoftwareCrypto crypto = SoftwareCrypto.choose();
  private final KeyStoreDrivers drivers;
  private final Console console;

  /** Stores that don't work: they are not tried again, since a PIN has so many tries only. */
  private final Set<KeyStoreName> broken = EnumSet.noneOf(KeyStoreName.class);

  KeyStoreChecks(Home home, Console console, Configuration configuration) {
    this.home = home;
    this.console = console;
    this.configuration = configuration;
    this.folders = StoreFolders.of(home);
    this.drivers = new KeyStoreDrivers(folders, console.environment(), crypto);
  }

  /** Everything that each store in use stands on, and each that is configured. */
  List<Finding> examined() {
    List<Finding> findings = new ArrayList<>();
    for (KeyStoreName name : KeyStoreName.values()) {
      Optional<Path> folder = folders.find(name);
      if (folder.isPresent() || isConfigured(name)) {
        findings.addAll(examined(name, folder));
      }
    }
    return findings;
  }

  private boolean isConfigured(KeyStoreName name) {
    Configuration.Keys keys = configuration.keys();
    return keys.store() == name
        || keys.rootStore() == name
        || switch (name) {
          case PKCS11 -> keys.places().pkcs11().isPresent();
          case ROOT_PKCS11 -> keys.places().rootPkcs11().isPresent();
          case TPM -> keys.places().tpm().tcti().isPresent();
          case SOFTWARE -> false;
        };
  }

  private List<Finding> examined(KeyStoreName name, Optional<Path> folder) {
    List<Finding> findings = new ArrayList<>();
    for (KeyStoreFinding finding :
        drivers.examine(
            name, folder.orElseGet(() -> folders.forNew(name)), configuration.keys().places())) {
      boolean good =
          finding.outcome() == KeyStoreFinding.Outcome.OK
              || finding.outcome() == KeyStoreFinding.Outcome.WARNING;
      if (!good) {
        broken.add(name);
      }
      findings.add(finding(name, finding, folder.isPresent()));
    }
    return findings;
  }

  /** A store that no authority is in breaks nothing: what is wrong with it is a warning. */
  private static Finding finding(KeyStoreName name, KeyStoreFinding finding, boolean inUse) {
    String subject = "key store " + name.text();
    String detail = finding.subject() + ": " + finding.detail();
    String advice = advice(name, finding.remedy());
    return switch (finding.outcome()) {
      case OK -> Finding.ok(subject, detail);
      case WARNING -> Finding.warn(subject, detail, advice);
      case UNAVAILABLE ->
          inUse
              ? Finding.fail(
                  subject, detail, "bring it back, the service opens it by itself; " + advice)
              : Finding.warn(subject, detail + " (no authority is in it)", advice);
      case FAILED ->
          inUse
              ? Finding.fail(subject, detail, advice)
              : Finding.warn(subject, detail + " (no authority is in it)", advice);
    };
  }

  /** Names the key of the configuration that the remedy is about, in its section. */
  private static String advice(KeyStoreName name, String remedy) {
    String setting = name.setting().title();
    if (remedy.isEmpty() || remedy.contains("[keys]")) {
      return remedy.isEmpty() ? setting : remedy;
    }
    String first = remedy.split("[ ,:]", 2)[0];
    return ConfigurationKey.keysOf(name.setting().section()).contains(first)
        ? "[" + name.setting().section() + "] " + remedy
        : setting + ": " + remedy.replace(" in pkcs11-uri", "");
  }

  /** Whether each authority's key signs, while no service can say it. */
  List<Finding> proofs() {
    try (KeyStores stores = KeyStores.of(home, console.environment(), crypto)) {
      return proved(
          CertificateAuthorities.prove(
              configuration.authority(home.data()), new Working(stores), crypto));
    } catch (IOException e) {
      return List.of(
          Finding.fail(
              "authorities", Causes.of(e), "restore a backup of " + home.data() + ", whole"));
    }
  }

  /**
   * What to say of authorities' keys that were just tried.
   *
   * @param proofs oldest first, of those that may sign
   */
  List<Finding> proved(List<AuthorityProof> proofs) {
    List<Finding> findings = new ArrayList<>(proofs.stream().map(KeyStoreChecks::finding).toList());
    // One that is prepared is newer than the active one.
    proofs.stream()
        .filter(proof -> proof.authority().startsWith("device-"))
        .findFirst()
        .flatMap(proof -> StoreDrift.of(configuration, proof.authority(), proof.keyStore()))
        .ifPresent(drift -> findings.add(Finding.warn("key store", drift.found(), drift.advice())));
    return findings;
  }

  private static Finding finding(AuthorityProof proof) {
    String setting =
        KeyStoreName.parse(proof.keyStore())
            .map(name -> name.setting().title())
            .orElse(ConfigurationKey.STORE.title());
    String said = proof.authority() + " in key store " + proof.keyStore() + ": " + proof.detail();
    return switch (proof.outcome()) {
      case WORKS -> Finding.ok("authorities", said);
      case UNAVAILABLE ->
          Finding.fail(
              "authorities", said, "it signs nothing until that store is back; " + setting);
      case FAILED -> Finding.fail("authorities", said, setting);
    };
  }

  /** The stores but those that are known not to work. */
  private final class Working implements AuthorityStores {
    private final KeyStores stores;

    Working(KeyStores stores) {
      this.stores = stores;
    }

    @Override
    public String chosen(AuthorityInfo.Role role) {
      return stores.chosen(role);
    }

    @Override
    public PrivateKeyStore open(String name) throws KeyFault {
      if (KeyStoreName.parse(name).filter(broken::contains).isPresent()) {
        throw new KeyFault.Unavailable("not tried, since its store does not work, see above");
      }
      return stores.open(name);
    }

    @Override
    public PrivateKeyStore openOrMake(String name) throws KeyFault {
      return open(name);
    }
  }
}
