package dev.vouchsafe.attestation;

import java.io.IOException;
import java.util.OptionalLong;

/** The system's data base of users and groups. Every call may hang for as long as it likes. */
interface AccountNames {
  /** What kind of account a name is of. */
  enum Kind {
    USER,
    GROUP
  }

  /**
   * The id of an account.
   *
   * @return empty if there is certainly none of that name
   * @throws IOException if that can't be told now
   */
  OptionalLong id(Kind kind, String name) throws IOException;
}
