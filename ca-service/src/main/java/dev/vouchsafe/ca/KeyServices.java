package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;

/** What hangs on sealed secrets: the modules' keys and the tokens. Made, or unsealed, at start. */
final class KeyServices {
  private static final System.Logger LOG = System.getLogger(KeyServices.class.getName());

  private final CaSettings settings;
  private final KeyLedger ledger;
  private final InstantSource clock;
  private final ModuleMasters masters;
  private final TokenKeys tokenKeys;

  KeyServices(
      CaSettings settings,
      PrivateKeyStore store,
      SoftwareCrypto crypto,
      Ledger ledger,
      InstantSource clock) {
    this.settings = settings;
    this.ledger = ledger.keys();
    this.clock = clock;
    Sealer sealer = new Sealer(store);
    this.masters = new ModuleMasters(this.ledger, sealer, clock);
    this.tokenKeys = new TokenKeys(settings, this.ledger, sealer, crypto, clock);
  }

  /**
   * Makes all that there isn't yet.
   *
   * @throws IOException if the store or the ledger can't
   */
  void make() throws IOException {
    try {
      prepare();
    } catch (KeyFault | IssuanceException e) {
      throw new IOException("the modules' and token keys: " + e.getMessage(), e);
    }
  }

  /**
   * Unseals what there is. What can't be done just now is done when it is first used.
   *
   * @throws IOException if the store is there and can't unseal
   */
  void start() throws IOException {
    try {
      prepare();
    } catch (KeyFault.Unavailable | IssuanceException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "module keys and tokens are unavailable for now: {0}",
          e.getMessage());
    } catch (KeyFault e) {
      throw new IOException(
          e.getMessage()
              + "; it is never made anew: give the key store that sealed it, or restore a backup of "
              + settings.directory()
              + " and of the key store together",
          e);
    }
  }

  private void prepare() throws KeyFault, IssuanceException {
    masters.prepare();
    tokenKeys.prepare(clock.instant().truncatedTo(ChronoUnit.SECONDS));
  }

  /**
   * @param underWay counts what is under way
   */
  TokenIssuer tokens(UnderWay underWay) {
    TokenIds ids = new TokenIds(ledger, settings.tokens().tokenCap());
    return new TokenService(settings, tokenKeys, ids, underWay, clock);
  }

  ModuleKeys moduleKeys() {
    return new DerivedModuleKeys(masters, ledger, clock);
  }
}
