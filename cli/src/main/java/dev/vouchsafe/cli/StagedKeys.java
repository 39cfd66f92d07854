package dev.vouchsafe.cli;

import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.PrivateKeyStores;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What an {@code init} that came to no end made in a token: found by the folder and the URI that it
 * staged, and destroyed. The token is asked once in a run at most, since each try may cost one of
 * its tries for the PIN.
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
  void destroy() throws CommandFailure {
    if (failure != null) {
      throw failure;
    }
    Path keys = home.stagedData().resolve(home.keys().getFileName());
    if (!PrivateKeyStores.isPkcs11(keys)) {
      return;
    }
    try {
      destroy(keys);
    } catch (CommandFailure e) {
      failure = e;
      throw e;
    }
  }

  private void destroy(Path keys) throws CommandFailure {
    Path toml = home.stagedConfiguration();
    try {
      Configuration staged =
          ConfigurationFile.parse(ConfigurationFile.text(toml), home.configuration(), home);
      new KeyStores(staged, console.environment(), SoftwareCrypto.choose()).destroyOutside(keys);
    } catch (ConfigurationException | IOException e) {
      throw CommandFailure.failed(
          "an unfinished init left "
              + home.stage()
              + ", and which token it used can't be read from "
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
    return "the keys of a home that was not made to the end are still in the token: "
        + Causes.text(e)
        + "; the next init tries again to destroy them; if that token is gone for good, remove "
        + home.stage()
        + " and "
        + home.configurationStage();
  }

  /** Whether that was because the key store is away, however often it was passed on. */
  static boolean tellsOfAbsence(Throwable thrown) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof KeyFault.Unavailable
          || (cause instanceof IssuanceException issuing
              && issuing.reason() == IssuanceException.Reason.KEY_STORE_UNAVAILABLE)) {
        return true;
      }
    }
    return false;
  }
}
