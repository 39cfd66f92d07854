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
    return TpmTools.find(places, settings.tcti(), files, environment);
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
    boolean generated = false;
    try {
      if (settings.keyAuth().orElse(null) instanceof SealSource.GeneratedFile auth) {
        SealSecret.generate(auth.file(), files, random);
        generated = true;
      }
      PrivateKeyStore store = fill(directory, settings, crypto, tools);
      done = true;
      return store;
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be made", e);
    } finally {
      if (!done) {
        removeNew(directory);
        if (generated) {
          SecureFiles.removeQuietly(SealSecret.file(settings.keyAuth().orElseThrow()));
        }
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

  private static void removeNew(Path directory) {
    SecureFiles.removeQuietly(directory.resolve(TpmStoreFile.FILE));
    SecureFiles.removeQuietly(directory.resolve(TpmLock.FILE));
    SecureFiles.removeQuietly(directory);
  }

  private PrivateKeyStore fill(
      Path directory, TpmSettings settings, SoftwareCrypto crypto, TpmTools tools) throws KeyFault {
    TpmObjects objects = objects(settings);
    TpmChip chip = chip(tools, directory, Optional.of(directory));
    TpmStoreFile header;
    try {
      header = chip.turn(turn -> make(turn, directory, objects, settings));
    } catch (TpmException e) {
      throw TpmFaults.atStart("the key store can't be made in the TPM", tools, e);
    }
    boolean done = false;
    try {
      TpmStore store = store(directory, header, chip, objects, settings, crypto);
      store.connect();
      done = true;
      return store;
    } finally {
      if (!done) {
        evictQuietly(chip, objects, List.of(new Resident(header.handle(), header.sealingKey())));
      }
    }
  }

  private TpmStoreFile make(TpmTurn turn, Path directory, TpmObjects objects, TpmSettings settings)
      throws KeyFault, TpmException, IOException {
    if (settings.pcrs().isPresent()) {
      TpmMaking.readPcrs(turn, objects, settings.pcrs().get());
    }
    TpmObjects.Primary primary = objects.primary(turn);
    TpmName chip = objects.chip(turn);
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
      TpmStore store = store(directory, header, chip, objects, settings, crypto);
      lookNow(store, chip);
      return store;
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be opened", e);
    }
  }

  private static void lookNow(TpmStore store, TpmChip chip) throws KeyFault {
    try {
      chip.turn(turn -> {
        chip.sweep(turn);
        return true;
      });
      store.connect();
    } catch (KeyFault.Unavailable e) {
      System.getLogger(TpmStore.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "the key store is not available now: {0}",
              e.getMessage());
    } catch (TpmException e) {
      throw new IllegalStateException("sweeping asks nothing of a TPM", e);
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
      SoftwareCrypto crypto) {
    TpmPlace place =
        new TpmPlace(
            chip,
            objects,
            files,
            crypto,
            new SealedSecrets(new SealedBox(random)),
            settings.pcrs());
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
    Path file = directory.resolve(TpmStoreFile.FILE);
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    TpmTools tools = tools(settings);
    try {
      files.checkFolder(directory);
      TpmStoreFile header = TpmStoreFile.parse(files.readOwn(file));
      TpmObjects objects = objects(settings);
      TpmChip chip = chip(tools, directory, Optional.of(directory));
      List<Resident> residents = residents(directory, header);
      chip.turn(turn -> {
        evict(turn, objects, residents);
        return true;
      });
    } catch (MalformedException e) {
      throw new KeyFault.Failed(file + " is damaged or from another version: " + e.getMessage(), e);
    } catch (TpmException e) {
      throw TpmFaults.atStart("the keys can't be evicted", tools, e);
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be destroyed", e);
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

  private static void evictQuietly(TpmChip chip, TpmObjects objects, List<Resident> residents) {
    try {
      chip.turn(turn -> {
        evict(turn, objects, residents);
        return true;
      });
    } catch (KeyFault | TpmException e) {
      System.getLogger(TpmStores.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "a key that was not wanted may be left in the TPM at {0}: {1}",
              TpmHandles.text(residents.getFirst().handle()),
              e.getMessage());
    }
  }
}
