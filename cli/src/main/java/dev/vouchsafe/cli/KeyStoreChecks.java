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
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What {@code check} says of the key stores, and of the authorities' keys in them. */
final class KeyStoreChecks {
  private final Home home;
  private final Configuration configuration;
  private final StoreFolders folders;
  private final SoftwareCrypto crypto = SoftwareCrypto.choose();
  private final KeyStoreDrivers drivers;
  private final AuthorityStandings standings;

  /** Stores that don't work: they are not tried again, since a PIN has so many tries only. */
  private final Set<KeyStoreName> broken = EnumSet.noneOf(KeyStoreName.class);

  /**
   * @param standings where the authorities stand, if that can be read
   */
  KeyStoreChecks(
      Home home, Console console, Configuration configuration, AuthorityStandings standings) {
    this.home = home;
    this.standings = standings;
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

  /** Whether the active device CA is in that store, or will be. */
  boolean deviceCaIsIn(KeyStoreName name) {
    return standings.known().isEmpty()
        ? configuration.keys().store() == name
        : standings.known().get().stream()
            .anyMatch(each -> each.issues() && each.keyStore().equals(name.text()));
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

  /** A store that the device CA is not in stops nothing: what is wrong with it is a warning. */
  private Finding finding(KeyStoreName name, KeyStoreFinding finding, boolean there) {
    String subject = "key store " + name.text();
    String detail = finding.subject() + ": " + finding.detail();
    String advice = advice(name, finding.remedy());
    Optional<String> dispensable =
        there ? standings.dispensable(name) : Optional.of("no authority is in it");
    return switch (finding.outcome()) {
      case OK -> Finding.ok(subject, detail);
      case WARNING -> Finding.warn(subject, detail, advice);
      case UNAVAILABLE, FAILED ->
          dispensable.isPresent()
              ? Finding.warn(subject, detail + " (" + dispensable.get() + ")", advice)
              : Finding.fail(
                  subject,
                  detail,
                  finding.outcome() == KeyStoreFinding.Outcome.FAILED
                      ? advice
                      : "bring it back, the service opens it by itself; " + advice);
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
    try (Looking stores = new Looking()) {
      return proved(
          CertificateAuthorities.prove(configuration.authority(home.data()), stores, crypto));
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
    List<Finding> findings = new ArrayList<>(proofs.stream().map(this::finding).toList());
    // One that is prepared is newer than the active one.
    proofs.stream()
        .filter(proof -> proof.authority().startsWith("device-"))
        .findFirst()
        .flatMap(proof -> StoreDrift.of(configuration, proof.authority(), proof.keyStore()))
        .ifPresent(drift -> findings.add(Finding.warn("key store", drift.found(), drift.advice())));
    return findings;
  }

  /** Only what the active device CA signs is needed every day. */
  private Finding finding(AuthorityProof proof) {
    String setting =
        KeyStoreName.parse(proof.keyStore())
            .map(name -> name.setting().title())
            .orElse(ConfigurationKey.STORE.title());
    String said = proof.authority() + " in key store " + proof.keyStore() + ": " + proof.detail();
    String advice =
        proof.outcome() == AuthorityProof.Outcome.FAILED
            ? setting
            : "it signs nothing until that store is back; " + setting;
    if (proof.outcome() == AuthorityProof.Outcome.WORKS) {
      return Finding.ok("authorities", said);
    }
    return standings.isNeeded(proof.authority())
        ? Finding.fail("authorities", said, advice)
        : Finding.warn("authorities", said, advice);
  }

  /** The stores, opened to look only, but those that are known not to work. */
  private final class Looking implements AuthorityStores, AutoCloseable {
    private final Map<KeyStoreName, PrivateKeyStore> open = new EnumMap<>(KeyStoreName.class);

    @Override
    public String chosen(AuthorityInfo.Role role) throws KeyFault.Failed {
      throw new KeyFault.Failed("nothing is made where one only looks");
    }

    @Override
    public PrivateKeyStore open(String text) throws KeyFault {
      KeyStoreName name = KeyStores.known(text);
      if (broken.contains(name)) {
        throw new KeyFault.Unavailable("not tried, since its store does not work, see above");
      }
      PrivateKeyStore known = open.get(name);
      if (known == null) {
        Path folder = folders.find(name).orElseThrow(() -> folders.lacks(name));
        known = drivers.look(name, folder, configuration.keys().places());
        open.put(name, known);
      }
      return known;
    }

    @Override
    public PrivateKeyStore openOrMake(String name) throws KeyFault {
      return open(name);
    }

    @Override
    public void close() {
      open.values().forEach(PrivateKeyStore::close);
    }
  }
}
