package dev.vouchsafe.attestation;

/** The user and group ids of a process, in our user namespace. */
record Credentials(
    long realUid,
    long effectiveUid,
    long savedUid,
    long fileUid,
    long realGid,
    long effectiveGid,
    long savedGid,
    long fileGid) {
  /** Whether all four user ids are that one: neither before nor after a change of user. */
  boolean allUids(long uid) {
    return realUid == uid && effectiveUid == uid && savedUid == uid && fileUid == uid;
  }

  /** The user ids for people. */
  String uids() {
    return allUids(realUid)
        ? "uid " + realUid
        : "uids real "
            + realUid
            + ", effective "
            + effectiveUid
            + ", saved "
            + savedUid
            + ", file system "
            + fileUid;
  }
}
