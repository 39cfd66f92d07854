package dev.vouchsafe.ca;

/** An authority that signs leaves: its key, and the builder and the lint of its leaves. */
final class LeafSigner {
  private final LedgerReader.StoredAuthority authority;
  private final Issuer issuer;
  private final SigningKey key;
  private final LeafBuilder builder;
  private final LeafLint lint;

  LeafSigner(LedgerReader.StoredAuthority authority, Issuer issuer, SigningKey key) {
    this.authority = authority;
    this.issuer = issuer;
    this.key = key;
    this.builder = new LeafBuilder(issuer);
    this.lint = new LeafLint(issuer);
  }

  LedgerReader.StoredAuthority authority() {
    return authority;
  }

  Issuer issuer() {
    return issuer;
  }

  SigningKey key() {
    return key;
  }

  /** The octets to sign, after the lint. */
  byte[] tbs(LeafPlan plan, byte[] serial, LeafLint.Expected expected) throws IssuanceException {
    byte[] tbs = builder.tbs(plan, serial, expected.key(), expected.keyType());
    lint.check(tbs, serial, expected);
    return tbs;
  }
}
