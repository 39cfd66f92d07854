package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/** Makes, opens and destroys stores in TPMs. */
final class TpmStores {
  /** The note that the secret of tpm-key-auth was generated for a store that is being made. */
  static final String GENERATED = "auth.generated";

  private final SecureRandom random = new SecureRandom();
  private final SecureFiles files;
  private final LongSupplier nanos;
  private final List<Path> places;
  private final Map<String, String> environment;

  /**
   * @param us the user id that, beside root, files may belong to
   * @param nanos a clock for durations
   * @param places the folders that tpm2-tools are looked for in
   * @param environment what they see beside the locale
   */
  TpmStores(int us, LongSupplier nanos, List<Path> places, Map<String, String> environment) {
    this.files = new SecureFiles(us, random);
    this.nanos = nanos;
    this.places = List.copyOf(places);
    this.environment = Map.copyOf(environment);
  }

  /** For the user that this process runs as. */
  static TpmStores here() {
    Map<String, String> environment = new HashMap<>();
    // Where tpm2-abrmd is found, if not at the bus that is found without these.
    for (String bus : List.of("DBUS_SYSTEM_BUS_ADDRESS", "DBUS_SESSION_BUS_ADDRESS")) {
      String address = System.getenv(bus);
      if (address != null) {
        environment.put(bus, address);
      }
    }
    return new TpmStores(
        SoftwareStores.effectiveUser(), System::nanoTime, TpmTools.PLACES, environment);
  }

  SecureFiles files() {
    return files;
  }

  TpmTools tools(TpmSettings settings) throws KeyFault {
    return TpmTools.find(
        places, TpmTools.way(settings.tcti(), TpmTools.DEVICES), files, environment);
  }

  TpmObjects objects(TpmSettings settings) {
    return new TpmObjects(TpmAuth.ofOwner(settings, files), TpmAuth.ofKeys(settings, files));
  }

  /**
   * @param base the folder for private folders
   * @param folder the store's, if it is there
   */
  TpmChip chip(TpmTools tools, Path base, Optional<Path> folder) {
    return new TpmChip(tools, new TpmLock(tools.tcti(), folder), base, random);
  }

  PrivateKeyStore create(Path directory, TpmSettings settings, SoftwareCrypto crypto)
      throws KeyFault {
    checkAuth(directory, settings);
    TpmTools tools = tools(settings);
    try {
      files.makeFolder(directory);
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be made", e);
    }
    boolean done = false;
    try {
      PrivateKeyStore store = fill(directory, settings, crypto, tools);
      note(directory).done();
      done = true;
      return store;
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be made", e);
    } finally {
      if (!done) {
        removeNew(directory, settings);
      }
    }
  }

  /** A copy of the folder must not hold what opens it, and nobody but its owner sets his auth. */
  private static void checkAuth(Path directory, TpmSettings settings) throws KeyFault.Failed {
    if (settings.ownerAuth().orElse(null) instanceof SealSource.GeneratedFile) {
      throw new KeyFault.Failed(
          "tpm-owner-auth can't be generated: it is what the TPM's owner has set");
    }
    Path folder = directory.toAbsolutePath().normalize();
    for (Optional<SealSource> source : List.of(settings.ownerAuth(), settings.keyAuth())) {
      if (source.isPresent()
          && SealSecret.file(source.get()).toAbsolutePath().normalize().startsWith(folder)) {
        throw new KeyFault.Failed(
            SealSecret.file(source.get())
                + " would lie inside "
                + directory
                + ": a copy of one must not hold the other");
      }
    }
  }

  /** If the TPM can't be cleaned now, all stays, so that it can be later. */
  private void removeNew(Path directory, TpmSettings settings) {
    try {
      destroy(directory, settings);
      SecureFiles.removeQuietly(directory.resolve(TpmStoreFile.FILE));
      SecureFiles.removeQuietly(directory.resolve(TpmLock.FILE));
      SecureFiles.removeQuietly(directory);
    } catch (KeyFault e) {
      System.getLogger(TpmStores.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "a key that was not wanted may be left in the TPM; {0} says which: {1}",
              directory.resolve(TpmStoreFile.FILE),
              e.getMessage());
    }
  }

  private PrivateKeyStore fill(
      Path directory, TpmSettings settings, SoftwareCrypto crypto, TpmTools tools) throws KeyFault {
    TpmObjects objects = objects(settings);
    TpmChip chip = chip(tools, directory, Optional.of(directory));
    TpmStoreFile header;
    try {
      header = chip.turn(TpmChip.Limit.MAKING, turn -> make(turn, directory, objects, settings));
    } catch (TpmException e) {
      throw TpmFaults.atStart("the key store can't be made in the TPM", tools, e);
    }
    boolean done = false;
    TpmStore store = store(directory, header, chip, objects, settings, crypto, true);
    try {
      store.connect();
      done = true;
      return store;
    } finally {
      if (!done) {
        store.close();
      }
    }
  }

  private GeneratedNote note(Path directory) {
    return new GeneratedNote(directory, GENERATED, files);
  }

  private TpmStoreFile make(TpmTurn turn, Path directory, TpmObjects objects, TpmSettings settings)
      throws KeyFault, TpmException, IOException {
    if (settings.pcrs().isPresent()) {
      TpmMaking.readPcrs(turn, objects, settings.pcrs().get());
    }
    TpmObjects.Primary primary = objects.primary(turn);
    TpmName chip = objects.chip(turn);
    note(directory).generate(settings.keyAuth(), random);
    TpmBlob sealingKey = objects.makeSealingKey(turn, primary);
    boolean persistent = settings.objects() == TpmSettings.Objects.PERSISTENT;
    int handle = persistent ? TpmMaking.freeHandle(turn, 0) : 0;
    TpmStoreFile header =
        new TpmStoreFile(
            persistent, settings.keyAuth().isPresent(), handle, primary.name(), chip, sealingKey);
    // Before it gets its handle, which happens when the store is opened: so its owner is known.
    files.writeNew(directory.resolve(TpmStoreFile.FILE), header.encoded());
    return header;
  }

  PrivateKeyStore open(Path directory, TpmSettings settings, SoftwareCrypto crypto)
      throws KeyFault {
    return open(directory, settings, crypto, true);
  }

  /**
   * The same, and neither folder nor TPM are changed: what is missing at a handle stays missing.
   */
  PrivateKeyStore openUnchanged(Path directory, TpmSettings settings, SoftwareCrypto crypto)
      throws KeyFault {
    return open(directory, settings, crypto, false);
  }

  private PrivateKeyStore open(
      Path directory, TpmSettings settings, SoftwareCrypto crypto, boolean mends) throws KeyFault {
    checkAuth(directory, settings);
    TpmTools tools = tools(settings);
    try {
      files.checkFolder(directory);
      TpmStoreFile header = read(directory, settings);
      TpmObjects objects = objects(settings);
      TpmChip chip = chip(tools, directory, Optional.of(directory));
      for (Resident resident : residents(directory, header)) {
        chip.slots().add(resident.blob().name());
      }
      if (mends) {
        sweep(directory, settings);
      }
      TpmStore store = store(directory, header, chip, objects, settings, crypto, mends);
      store.lookNow();
      return store;
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be opened", e);
    }
  }

  private void sweep(Path directory, TpmSettings settings) throws IOException {
    SecureFiles.sweep(directory);
    if (settings.keyAuth().orElse(null) instanceof SealSource.GeneratedFile auth) {
      files.sweepBeside(auth.file());
    }
  }

  /** The header of a store, if it fits to the settings. */
  TpmStoreFile read(Path directory, TpmSettings settings) throws KeyFault, IOException {
    Path file = directory.resolve(TpmStoreFile.FILE);
    try {
      TpmStoreFile header = TpmStoreFile.parse(files.readOwn(file));
      if (header.authorized() != settings.keyAuth().isPresent()) {
        throw new KeyFault.Failed(
            header.authorized()
                ? "the keys in " + directory + " have an auth value: set tpm-key-auth"
                : "the keys in " + directory + " have no auth value: remove tpm-key-auth");
      }
      return header;
    } catch (MalformedException e) {
      throw new KeyFault.Failed(file + " is damaged or from another version: " + e.getMessage(), e);
    }
  }

  private TpmStore store(
      Path directory,
      TpmStoreFile header,
      TpmChip chip,
      TpmObjects objects,
      TpmSettings settings,
      SoftwareCrypto crypto,
      boolean mends) {
    TpmPlace place =
        new TpmPlace(
            chip,
            objects,
            files,
            crypto,
            new SealedSecrets(new SealedBox(random)),
            settings.pcrs(),
            settings.objects(),
            mends);
    return new TpmStore(directory, header, place, new TpmState(nanos));
  }

  /**
   * An object of a store.
   *
   * @param handle where it may be persistent, or 0
   */
  record Resident(int handle, TpmBlob blob) {}

  /** All that a store has, as its files say. */
  List<Resident> residents(Path directory, TpmStoreFile header) throws IOException, KeyFault {
    List<Resident> all = new ArrayList<>();
    all.add(new Resident(header.handle(), header.sealingKey()));
    try (DirectoryStream<Path> keys =
        Files.newDirectoryStream(directory, "*" + TpmKeyFile.SUFFIX)) {
      for (Path key : keys) {
        try {
          TpmKeyFile file = TpmKeyFile.parseUnproven(files.readOwn(key));
          all.add(new Resident(file.handle(), file.blob()));
        } catch (MalformedException e) {
          System.getLogger(TpmStores.class.getName())
              .log(System.Logger.Level.WARNING, "{0} is damaged: {1}", key, e.getMessage());
        }
      }
    }
    return all;
  }

  List<KeyStoreFinding> examine(Path directory, TpmSettings settings) {
    return new TpmExamination(this, directory, settings, SoftwareCrypto.choose()).run();
  }

  void destroy(Path directory, TpmSettings settings) throws KeyFault {
    try {
      if (Files.exists(directory.resolve(TpmStoreFile.FILE), LinkOption.NOFOLLOW_LINKS)) {
        evictAll(directory, settings);
      }
      note(directory).removeSecret(settings.keyAuth());
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be destroyed", e);
    }
  }

  private void evictAll(Path directory, TpmSettings settings) throws KeyFault, IOException {
    Path file = directory.resolve(TpmStoreFile.FILE);
    List<Resident> residents;
    try {
      files.checkFolder(directory);
      residents = residents(directory, TpmStoreFile.parse(files.readOwn(file)));
    } catch (MalformedException e) {
      throw new KeyFault.Failed(file + " is damaged or from another version: " + e.getMessage(), e);
    }
    if (residents.stream().allMatch(resident -> resident.handle() == 0)) {
      return;
    }
    TpmTools tools = tools(settings);
    TpmObjects objects = objects(settings);
    try {
      chip(tools, directory, Optional.of(directory))
          .turn(
              TpmChip.Limit.OPENING,
              turn -> {
                evict(turn, objects, residents);
                return true;
              });
    } catch (TpmException e) {
      throw TpmFaults.atStart("the keys can't be evicted", tools, e);
    }
  }

  /** Only what is ours by its Name. */
  private static void evict(TpmTurn turn, TpmObjects objects, List<Resident> residents)
      throws KeyFault, TpmException {
    for (Resident resident : residents) {
      if (resident.handle() != 0
          && turn.nameAt(resident.handle()).filter(resident.blob().name()::equals).isPresent()) {
        objects.evict(turn, resident.handle());
      }
    }
  }
}
