package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A TPM that has proven to be the one of a store: it holds, or could load, the store's sealing key.
 * What was loaded is good until the TPM is reset; then there is another connection.
 */
final class TpmConnection {
  private static final byte[] RECORDS = "vouchsafe key files".getBytes(StandardCharsets.US_ASCII);

  private final TpmObjects objects;
  private final TpmStoreFile file;
  private final TpmRef sealingKey;
  private final byte[] ofFiles;
  private TpmObjects.@Nullable Primary primary;

  private TpmConnection(
      TpmObjects objects,
      TpmStoreFile file,
      TpmRef sealingKey,
      byte[] ofFiles,
      TpmObjects.@Nullable Primary primary) {
    this.objects = objects;
    this.file = file;
    this.sealingKey = sealingKey;
    this.ofFiles = ofFiles;
    this.primary = primary;
  }

  /**
   * Looks whether this is the TPM, and whether it takes the auth value of our keys.
   *
   * @param mend whether a persistent object that is gone is made again of its blob
   */
  static TpmConnection open(TpmTurn turn, TpmObjects objects, TpmStoreFile file, boolean mend)
      throws KeyFault, TpmException, IOException {
    turn.own(file.primary());
    turn.own(file.sealingKey().name());
    TpmObjects.@Nullable Primary primary = null;
    TpmRef ref;
    if (file.persistent() && isAt(turn, file.handle(), file.sealingKey().name())) {
      ref = new TpmRef.Persistent(file.handle());
    } else {
      primary = primary(turn, objects, file);
      TpmRef.Context loaded = objects.load(turn, primary, file.sealingKey());
      ref = file.persistent() && mend ? persist(turn, objects, loaded, file.handle()) : loaded;
    }
    if (file.sealingKey().publicArea().countsWrongAuth()) {
      TpmLockout.read(turn).check();
    }
    byte[] ofFiles = objects.mac(turn, ref, RECORDS);
    return new TpmConnection(objects, file, ref, ofFiles, primary);
  }

  /** The primary key, if it is the one that the store was made under. */
  static TpmObjects.Primary primary(TpmTurn turn, TpmObjects objects, TpmStoreFile file)
      throws KeyFault, TpmException, IOException {
    TpmObjects.Primary primary = objects.primary(turn);
    if (primary.name().equals(file.primary())) {
      return primary;
    }
    TpmName chip = objects.chip(turn);
    if (file.chip().equals(TpmName.NONE) || chip.equals(TpmName.NONE)) {
      throw foreign(
          "this is not the TPM that the key store was made in, or it was cleared since: its keys"
              + " are not here");
    }
    throw foreign(
        chip.equals(file.chip())
            ? "the TPM was cleared since the key store was made: its keys are gone for good"
            : "this is the TPM of another machine, not the one that the key store was made in;"
                + " look at tpm-tcti");
  }

  private static TpmException foreign(String message) {
    return new TpmException(TpmRc.Kind.FOREIGN, message);
  }

  private static boolean isAt(TpmTurn turn, int handle, TpmName name)
      throws KeyFault, TpmException {
    Optional<TpmName> there = turn.nameAt(handle);
    if (there.isPresent() && !there.get().equals(name)) {
      throw foreign("another key than the key store's is in the TPM at " + TpmHandles.text(handle));
    }
    return there.isPresent();
  }

  private static TpmRef persist(TpmTurn turn, TpmObjects objects, TpmRef.Context loaded, int handle)
      throws KeyFault, TpmException, IOException {
    objects.persist(turn, loaded, handle);
    return new TpmRef.Persistent(handle);
  }

  /** A key of the store: found at its handle, or loaded. */
  TpmRef load(TpmTurn turn, TpmKeyFile key, boolean mend)
      throws KeyFault, TpmException, IOException {
    turn.own(key.blob().name());
    if (key.handle() != 0 && isAt(turn, key.handle(), key.blob().name())) {
      return new TpmRef.Persistent(key.handle());
    }
    TpmRef.Context loaded = objects.load(turn, primary(turn), key.blob());
    return key.handle() != 0 && mend ? persist(turn, objects, loaded, key.handle()) : loaded;
  }

  TpmObjects.Primary primary(TpmTurn turn) throws KeyFault, TpmException, IOException {
    TpmObjects.@Nullable Primary known = primary;
    if (known == null) {
      known = primary(turn, objects, file);
      primary = known;
    }
    return known;
  }

  TpmRef sealingKey() {
    return sealingKey;
  }

  /** The secret that key files are authenticated with; wiped with this. */
  byte[] ofFiles() {
    return ofFiles;
  }

  void forget() {
    Arrays.fill(ofFiles, (byte) 0);
  }
}
