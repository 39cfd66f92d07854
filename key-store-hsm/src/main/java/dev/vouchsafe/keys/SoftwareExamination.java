package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Looks at everything that a software store stands on, and changes nothing. */
final class SoftwareExamination {
  private static final String SEAL = "seal";
  private static final int MOST_NAMED = 20;

  private final SoftwareStores stores;
  private final Path directory;
  private final SealSource seal;
  private final Findings findings = new Findings();

  SoftwareExamination(SoftwareStores stores, Path directory, SealSource seal) {
    this.stores = stores;
    this.directory = directory;
    this.seal = seal;
  }

  List<KeyStoreFinding> run() {
    boolean there = Files.exists(directory, LinkOption.NOFOLLOW_LINKS);
    if (!there) {
      findings.ok("folder", directory + " is not there yet: init makes it");
    } else if (!findings.step("folder", directory.toString(), this::folder)) {
      return findings.all();
    }
    boolean secret = findings.step("sealing secret", SEAL, () -> secret(there));
    if (there && secret) {
      store();
    }
    return findings.all();
  }

  private String folder() throws KeyFault {
    try {
      stores.files().checkFolder(directory);
      return directory + " is for its owner only";
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be read", e);
    }
  }

  private String secret(boolean there) throws KeyFault {
    Path file = SealSecret.file(seal);
    boolean toBeMade = seal instanceof SealSource.GeneratedFile && !there;
    if (toBeMade && !Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return file + " is not there yet: init makes it";
    }
    SealSecret.read(seal, stores.files()).close();
    if (toBeMade) {
      throw new KeyFault.Failed(file + " exists, and init makes a new one: move it away");
    }
    return file + " can be read, by its owner only";
  }

  private void store() {
    try (SoftwareStore store = stores.openUnchanged(directory, seal, SoftwareCrypto.choose())) {
      findings.ok("store", SoftwareStores.HEADER + " in " + directory + " opens with that secret");
      for (String warning : store.describe().warnings()) {
        findings.warning("protection", warning, SEAL);
      }
      keys(store);
    } catch (KeyFault e) {
      findings.fault("store", e, SEAL + ", or a backup of " + directory);
    }
  }

  private void keys(SoftwareStore store) throws KeyFault {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(directory, "*" + KeyFile.SUFFIX)) {
      all.forEach(files::add);
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be read", e);
    }
    int bad = 0;
    for (Path file : files) {
      try {
        store.check(file);
      } catch (KeyFault e) {
        bad++;
        if (bad <= MOST_NAMED) {
          findings.fault("key", e, file + ", or a backup of it");
        }
      }
    }
    if (bad == 0) {
      findings.ok("keys", "each of " + files.size() + " signs, and its public key verifies that");
    }
  }
}
