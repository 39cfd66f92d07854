package dev.vouchsafe.keys;

import java.io.IOException;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Makes a key pair of a store. Its file is written before it gets a persistent handle: whatever
 * happens between, the next one to load it mends it, and destroying the store finds it.
 */
final class TpmMaking {
  /** The first part of the label of a device CA's key, which alone is bound to PCRs. */
  static final String DEVICE_CA = "device-ca";

  private final TpmStore store;
  private final TpmConnection open;
  private final TpmObjects objects;

  TpmMaking(TpmStore store, TpmConnection open) {
    this.store = store;
    this.open = open;
    this.objects = store.place().objects();
  }

  TpmKey make(TpmTurn turn, KeyLabel label, KeyType type)
      throws KeyFault, TpmException, IOException {
    store.checkFree(label);
    Optional<TpmPcrs> pcrs = pcrs(turn, label);
    TpmBlob blob = objects.makeKey(turn, open.primary(turn), type, pcrs, open.sealingKey());
    boolean persistent = store.place().newKeys() == TpmSettings.Objects.PERSISTENT;
    int handle = persistent ? freeHandle(turn, store.header().handle()) : 0;
    TpmKeyFile file = new TpmKeyFile(handle, label.encoded(), pcrs, blob);
    if (!KeyType.of(store.publicKey(label, file)).equals(Optional.of(type))) {
      throw new KeyFault.Failed("the TPM made another type of key than " + type.text());
    }
    store.write(label, file, open);
    boolean done = false;
    try {
      TpmKey key = store.load(turn, open, label, file);
      done = true;
      return key;
    } finally {
      if (!done) {
        store.forget(label, evicted(turn, file));
      }
    }
  }

  private Optional<TpmPcrs> pcrs(TpmTurn turn, KeyLabel label)
      throws KeyFault, TpmException, IOException {
    Optional<PcrSelection> selection = store.place().pcrs();
    if (selection.isEmpty() || !label.parts().getFirst().equals(DEVICE_CA)) {
      return Optional.empty();
    }
    return Optional.of(readPcrs(turn, objects, selection.get()));
  }

  /** What PCRs have now. */
  static TpmPcrs readPcrs(TpmTurn turn, TpmObjects objects, PcrSelection selection)
      throws KeyFault, TpmException, IOException {
    byte[] values = objects.pcrs(turn, selection);
    try {
      return new TpmPcrs(selection, values);
    } catch (IllegalArgumentException e) {
      throw new KeyFault.Failed(
          "tpm-pcrs: the TPM has no bank " + selection.bank() + ", or lacks some of " + selection,
          e);
    }
  }

  /**
   * A persistent handle that nobody has.
   *
   * @param reserved one that is ours though nothing may be there now
   */
  static int freeHandle(TpmTurn turn, int reserved) throws KeyFault, TpmException {
    Set<Integer> taken = new HashSet<>(turn.handles("handles-persistent"));
    taken.add(reserved);
    return TpmHandles.free(taken)
        .orElseThrow(() ->
            new KeyFault.Failed(
                "all persistent handles from "
                    + TpmHandles.text(TpmHandles.FIRST)
                    + " to "
                    + TpmHandles.text(TpmHandles.LAST)
                    + " are taken: set tpm-objects to blobs"));
  }

  /** Whether nothing of it is in the TPM. */
  private boolean evicted(TpmTurn turn, TpmKeyFile file) throws KeyFault {
    if (file.handle() == 0) {
      return true;
    }
    try {
      if (turn.nameAt(file.handle()).filter(file.blob().name()::equals).isPresent()) {
        objects.evict(turn, file.handle());
      }
      return true;
    } catch (TpmException e) {
      System.getLogger(TpmMaking.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "a key that was not wanted may be left in the TPM at {0}: {1}",
              TpmHandles.text(file.handle()),
              e.getMessage());
      return false;
    }
  }
}
