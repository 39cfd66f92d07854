package dev.vouchsafe.keys;

import java.util.List;

/** Another program of the same user at a token: it makes and destroys what it likes. */
final class TokenVisit implements AutoCloseable {
  private static final SecureFiles FILES =
      new SecureFiles(SoftwareStores.effectiveUser(), new java.security.SecureRandom());

  private final CryptokiLibrary library;
  private final CryptokiSession session;

  private TokenVisit(CryptokiLibrary library, CryptokiSession session) {
    this.library = library;
    this.session = session;
  }

  static TokenVisit to(SoftHsm.Token token) throws Exception {
    CryptokiLibrary library = CryptokiLibrary.at(SoftHsm.library(), FILES);
    Cryptoki cryptoki = library.enter();
    TokenInfo info = new TokenSearch(cryptoki, Pkcs11Uri.parse(token.uri()), false).one();
    CryptokiSession session = CryptokiSession.open(cryptoki, info.slot(), true);
    try {
      session.login(token.pin().getBytes(java.nio.charset.StandardCharsets.UTF_8));
    } catch (CryptokiException e) {
      if (!e.is(Ckr.USER_ALREADY_LOGGED_IN)) {
        throw e;
      }
    }
    return new TokenVisit(library, session);
  }

  CryptokiSession session() {
    return session;
  }

  /** Handles of all objects of a class with that CKA_ID. */
  long[] find(long objectClass, byte[] id) throws CryptokiException {
    return session.find(new Template().with(Ck.CKA_CLASS, objectClass).with(Ck.CKA_ID, id), 100);
  }

  /** How many keys of any kind are in the token. */
  int count() throws CryptokiException {
    int count = 0;
    for (long objectClass : List.of(Ck.CKO_PRIVATE_KEY, Ck.CKO_PUBLIC_KEY, Ck.CKO_SECRET_KEY)) {
      count += session.find(new Template().with(Ck.CKA_CLASS, objectClass), 1000).length;
    }
    return count;
  }

  void destroy(long objectClass, byte[] id) throws CryptokiException {
    for (long object : find(objectClass, id)) {
      session.destroy(object);
    }
  }

  /** Makes a P-256 pair like the store's. */
  CryptokiSession.NewPair makePair(byte[] id) throws CryptokiException {
    return makePair(id, true);
  }

  CryptokiSession.NewPair makePair(byte[] id, boolean kept) throws CryptokiException {
    return session.generateKeyPair(
        Ck.CKM_EC_KEY_PAIR_GEN,
        new Template()
            .with(Ck.CKA_TOKEN, true)
            .with(Ck.CKA_ID, id)
            .with(Ck.CKA_VERIFY, true)
            .with(Ck.CKA_EC_PARAMS, TokenPublicKey.parameters(KeyType.EC_P256)),
        new Template()
            .with(Ck.CKA_TOKEN, true)
            .with(Ck.CKA_PRIVATE, true)
            .with(Ck.CKA_ID, id)
            .with(Ck.CKA_SENSITIVE, kept)
            .with(Ck.CKA_EXTRACTABLE, !kept)
            .with(Ck.CKA_SIGN, true));
  }

  @Override
  public void close() {
    session.close();
    library.leave();
  }
}
