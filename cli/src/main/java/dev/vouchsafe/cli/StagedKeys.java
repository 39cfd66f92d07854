package dev.vouchsafe.cli;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.PrivateKeyStores;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What an {@code init} that came to no end made in a token or TPM: found by the folders and the
 * settings that it staged, and destroyed. A token is asked once in a run at most, since each try
 * may cost one of its tries for the PIN.
 */
final class StagedKeys {
  private final Home home;
  private final Console console;
  private @Nullable CommandFailure failure;

  StagedKeys(Home home, Console console) {
    this.home = home;
    this.console = console;
  }

  /**
   * Destroys them, if there are any. If that can't be, they stay, and so must the stage, which is
   * the only record of them.
   */
  void destroy() throws IOException, CommandFailure {
    if (failure != null) {
      throw failure;
    }
    StoreFolders folders = StoreFolders.staged(home);
    try {
      if (folders.all().stream().allMatch(StagedKeys::isInFolder)) {
        return;
      }
      destroy(folders);
    } catch (CommandFailure e) {
      failure = e;
      throw e;
    }
  }

  private static boolean isInFolder(StoreFolders.Found found) {
    return !PrivateKeyStores.isPkcs11(found.folder()) && !PrivateKeyStores.isTpm(found.folder());
  }

  private void destroy(StoreFolders folders) throws CommandFailure {
    Path toml = home.stagedConfiguration();
    try {
      Configuration staged =
          ConfigurationFile.parse(ConfigurationFile.text(toml), home.configuration(), home);
      try (KeyStores stores =
          new KeyStores(folders, staged::keys, console.environment(), SoftwareCrypto.choose())) {
        stores.destroyOutside();
      }
    } catch (ConfigurationException | IOException e) {
      throw CommandFailure.failed(
          "an unfinished init left "
              + home.stage()
              + ", and which token or TPM it used can't be read from "
              + toml
              + ": remove that folder, after any objects of it in a token",
          e);
    } catch (KeyFault.Unavailable e) {
      throw CommandFailure.unavailable(stillThere(e), e);
    } catch (KeyFault e) {
      throw CommandFailure.failed(stillThere(e), e);
    }
  }

  private String stillThere(KeyFault e) {
    return "the keys of a home that was not made to the end are still in the token or TPM: "
        + Causes.text(e)
        + "; the next init tries again to destroy them; if it is gone for good, remove "
        + home.stage()
        + " and "
        + home.configurationStage();
  }
}
