package dev.vouchsafe.ca;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Makes backups of the ledger, and goes on after one was restored. */
public interface Recovery {
  /**
   * Copies {@code ca.db} as it is now, while it is in use. What was delivered before the call is in
   * the copy.
   *
   * @param folder where {@code ca.db} is made, readable by its owner only, and synced; it must not
   *     be there
   * @return who can prove that a backup with this copy is genuine
   * @throws IOException if it can't be written; what is there of it is removed
   */
  BackupSealer copy(Path folder) throws IOException;

  /**
   * Signs a backup's manifest by the audit key, over octets that no checkpoint begins with.
   *
   * @return ECDSA with SHA-256, r and s of 32 octets each
   * @throws IssuanceException {@link IssuanceException.Reason#KEY_STORE_UNAVAILABLE} while the
   *     audit key is sealed
   */
  byte[] sign(byte[] manifest) throws IssuanceException;

  /** All gaps that the ledger ever had, the oldest first. Never waits. */
  List<LedgerGap> gaps();

  /**
   * Has an administrator accept the gaps that are open: it is on the disk first, then a new device
   * CA is made and takes over, and then issuing goes on. After a failure it can be called again.
   *
   * @param administrator user id of whoever asks
   * @return the id of the device CA that issues from now on
   * @throws IssuanceException {@link IssuanceException.Reason#AUTHORITY_STATE} if there is no gap
   *     to accept, or as {@link AuthorityChanges} has it
   */
  String accept(long administrator) throws IssuanceException;
}
