package dev.vouchsafe.ca;

/**
 * What the ledger must know of a leaf before it is signed. The octets are handed on without copies
 * and changed by nobody.
 */
final class LeafIntent {
  private final String module;
  private final String generation;
  private final LeafPlan plan;
  private final long authority;
  private final byte[] serial;
  private final byte[] tbs;
  private final byte[] spkiSha256;

  /**
   * @param grant whose module and generation it is for
   * @param plan names and validity
   * @param authority the ledger's row of the authority that will sign
   * @param serial its serial number
   * @param tbs the TBSCertificate to sign
   * @param spkiSha256 SHA-256 of the SubjectPublicKeyInfo
   */
  LeafIntent(
      Grant grant, LeafPlan plan, long authority, byte[] serial, byte[] tbs, byte[] spkiSha256) {
    this.module = grant.module();
    this.generation = grant.generation();
    this.plan = plan;
    this.authority = authority;
    this.serial = serial;
    this.tbs = tbs;
    this.spkiSha256 = spkiSha256;
  }

  /** Whether it is for the service itself, whose name no module can have. */
  boolean isOwn() {
    return module.indexOf('/') >= 0;
  }

  String module() {
    return module;
  }

  String generation() {
    return generation;
  }

  LeafPlan plan() {
    return plan;
  }

  long authority() {
    return authority;
  }

  byte[] serial() {
    return serial;
  }

  byte[] tbs() {
    return tbs;
  }

  byte[] spkiSha256() {
    return spkiSha256;
  }
}
