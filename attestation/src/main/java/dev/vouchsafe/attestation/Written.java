package dev.vouchsafe.attestation;

/** What the kernel says of the octets that are to be read next from a Unix socket. */
public sealed interface Written {
  /**
   * They were written by that process. The number is the one that the process had when it wrote; as
   * long as the process that connected is alive, nobody else has or had its number since.
   *
   * @param pid process id in our pid namespace; 0 if it can't be seen from here
   * @param uid real user id at the time
   */
  record By(int pid, long uid) implements Written {}

  /** There are none yet, or no more. */
  enum Nothing implements Written {
    /** More may come. */
    YET,
    /** The other end has said all that it has to say. */
    ANY_MORE
  }

  /**
   * It doesn't say.
   *
   * @param why for the log
   */
  record Unsaid(String why) implements Written {}
}
