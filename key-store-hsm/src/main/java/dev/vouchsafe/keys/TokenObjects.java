package dev.vouchsafe.keys;

import java.nio.charset.StandardCharsets;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The objects of one store in its token: for each label a private and a public key under one
 * CKA_ID, and one sealing key. What a token says of them is checked, and a public key is believed
 * only after it has verified a signature of the private one.
 */
final class TokenObjects {
  private static final byte[] CHECKED_INPUT =
      "vouchsafe key check".getBytes(StandardCharsets.US_ASCII);
  private static final String OF_SIGNATURE = "vouchsafe secret of a signature";
  private static final int SEALING_KEY = 32;
  private static final int LONGEST_NAME = 120;
  private static final int MOST_OBJECTS = 64 * 1024;

  /** A secret key; or a private one in a token that makes no secret keys. */
  private static final long[] SEALING_CLASSES = {Ck.CKO_SECRET_KEY, Ck.CKO_PRIVATE_KEY};

  private final StoreId store;
  private final String prefix;
  private final SoftwareCrypto crypto;

  /**
   * @param prefix what CKA_LABEL begins with, for people
   */
  TokenObjects(StoreId store, String prefix, SoftwareCrypto crypto) {
    this.store = store;
    this.prefix = prefix;
    this.crypto = crypto;
  }

  /** A key pair of the token, its halves proven to belong together. */
  record Pair(long privateKey, KeyType type, PublicKey publicKey) {}

  /**
   * The handle of the private key of that label. That there is none is believed only of a session
   * that would see it: a token that has logged us out hides all private objects.
   *
   * @throws KeyFault.Failed if there are two
   */
  OptionalLong privateKey(CryptokiSession session, KeyLabel label)
      throws KeyFault, CryptokiException {
    OptionalLong found =
        only(session, Ck.CKO_PRIVATE_KEY, store.of(label), "private keys of " + label);
    if (found.isEmpty()) {
      checkLoggedIn(session);
    }
    return found;
  }

  private void checkLoggedIn(CryptokiSession session) throws CryptokiException {
    for (long objectClass : SEALING_CLASSES) {
      long[] sealing = session.find(byId(objectClass, store.ofSealingKey()), 1);
      if (sealing.length > 0 && session.sees(sealing[0])) {
        return;
      }
    }
    throw CryptokiException.loggedOut();
  }

  /** The handle of the sealing key. */
  OptionalLong sealingKey(CryptokiSession session) throws KeyFault, CryptokiException {
    for (long objectClass : SEALING_CLASSES) {
      OptionalLong found =
          only(session, objectClass, store.ofSealingKey(), "sealing keys of this store");
      if (found.isPresent()) {
        checkProtected(session, found.getAsLong(), "the sealing key");
        return found;
      }
    }
    return OptionalLong.empty();
  }

  private static OptionalLong only(
      CryptokiSession session, long objectClass, byte[] id, String what)
      throws KeyFault, CryptokiException {
    long[] found = session.find(byId(objectClass, id), 2);
    if (found.length > 1) {
      throw new KeyFault.Failed(
          "the token holds several "
              + what
              + " under one CKA_ID ("
              + HexFormat.of().formatHex(id)
              + "): remove the one that isn't ours");
    }
    return found.length == 0 ? OptionalLong.empty() : OptionalLong.of(found[0]);
  }

  private static Template byId(long objectClass, byte[] id) {
    return new Template().with(Ck.CKA_CLASS, objectClass).with(Ck.CKA_ID, id);
  }

  /** The pair of a private key, checked and proven by a signature. */
  Pair read(CryptokiSession session, KeyLabel label, long privateKey)
      throws KeyFault, CryptokiException {
    return read(session, store.of(label), label.toString(), privateKey);
  }

  private Pair read(CryptokiSession session, byte[] id, String name, long privateKey)
      throws KeyFault, CryptokiException {
    checkProtected(session, privateKey, "the key " + name);
    PublicKey publicKey = publicKey(session, id, name, privateKey);
    KeyType type = KeyType.of(publicKey).orElseThrow(() -> unusable(name));
    byte[] request = KeyTrial.request(publicKey);
    byte[] signature = TokenSignature.sign(session, privateKey, type, request);
    if (!crypto.verify(publicKey, type, request, signature)) {
      throw new KeyFault.Failed(
          "the two halves of the key " + name + " in the token don't belong together");
    }
    return new Pair(privateKey, type, publicKey);
  }

  /**
   * Reads every pair of the store, each checked and proven by a signature.
   *
   * @throws KeyFault.Failed if one is bad, or two are under one CKA_ID
   */
  List<Pair> readAll(CryptokiSession session) throws KeyFault, CryptokiException {
    List<Pair> all = new ArrayList<>();
    Template keys = new Template().with(Ck.CKA_CLASS, Ck.CKO_PRIVATE_KEY);
    for (long key : session.find(keys, MOST_OBJECTS)) {
      Optional<byte[]> id = session.attribute(key, Ck.CKA_ID).filter(store::owns);
      if (id.isPresent() && !Arrays.equals(id.get(), store.ofSealingKey())) {
        String name = "with CKA_ID " + HexFormat.of().formatHex(id.get());
        only(session, Ck.CKO_PRIVATE_KEY, id.get(), "private keys");
        all.add(read(session, id.get(), name, key));
      }
    }
    return all;
  }

  private PublicKey publicKey(CryptokiSession session, byte[] id, String label, long privateKey)
      throws KeyFault, CryptokiException {
    OptionalLong stored = only(session, Ck.CKO_PUBLIC_KEY, id, "public keys of " + label);
    // Some tokens keep a public key only as attributes of the private one.
    long object = stored.orElse(privateKey);
    long keyType = number(session, privateKey, Ck.CKA_KEY_TYPE);
    if (number(session, object, Ck.CKA_KEY_TYPE) != keyType) {
      throw unusable(label);
    }
    Optional<PublicKey> key = Optional.empty();
    if (keyType == Ck.CKK_EC) {
      KeyType type =
          session
              .attribute(object, Ck.CKA_EC_PARAMS)
              .flatMap(TokenPublicKey::ofParameters)
              .orElseThrow(() -> unusable(label));
      key =
          session
              .attribute(object, Ck.CKA_EC_POINT)
              .flatMap(point -> TokenPublicKey.ofPoint(crypto, type, point));
    } else if (keyType == Ck.CKK_RSA) {
      Optional<byte[]> exponent = session.attribute(object, Ck.CKA_PUBLIC_EXPONENT);
      key =
          session
              .attribute(object, Ck.CKA_MODULUS)
              .flatMap(n -> exponent.flatMap(e -> TokenPublicKey.ofModulus(crypto, n, e)));
    }
    return key.orElseThrow(() -> unusable(label));
  }

  private static long number(CryptokiSession session, long object, long attribute)
      throws CryptokiException {
    return session
        .attribute(object, attribute)
        .filter(value -> value.length == Long.BYTES)
        .map(Template::number)
        .orElse(Ck.CK_UNAVAILABLE_INFORMATION);
  }

  private static KeyFault.Failed unusable(String label) {
    return new KeyFault.Failed(
        "the key " + label + " in the token is of no type that we make, or has no public key");
  }

  private static void checkProtected(CryptokiSession session, long key, String what)
      throws KeyFault, CryptokiException {
    if (!session.isTrue(key, Ck.CKA_SENSITIVE) || !session.isFalse(key, Ck.CKA_EXTRACTABLE)) {
      throw new KeyFault.Failed(
          what + " could be read out of the token: it is not sensitive, or extractable");
    }
  }

  /** What the token says of a key that it has just made: that it was never otherwise. */
  private static void checkNeverOut(CryptokiSession session, long key, String what)
      throws KeyFault, CryptokiException {
    checkProtected(session, key, what);
    if (!session.isTrue(key, Ck.CKA_ALWAYS_SENSITIVE)
        || !session.isTrue(key, Ck.CKA_NEVER_EXTRACTABLE)) {
      throw new KeyFault.Failed("the token doesn't say that " + what + " has never left it");
    }
  }

  /**
   * Makes a pair under a label that is free. If this throws, none is left, unless the token has
   * gone as well.
   */
  Pair make(CryptokiSession session, KeyLabel label, KeyType type)
      throws KeyFault, CryptokiException {
    if (privateKey(session, label).isPresent()) {
      throw new KeyFault.Failed("there is a key " + label + " already, in the token");
    }
    // What is left of a pair whose making was cut short.
    for (long half : session.find(byId(Ck.CKO_PUBLIC_KEY, store.of(label)), MOST_OBJECTS)) {
      session.destroy(half);
    }
    CryptokiSession.NewPair made = generate(session, label, type);
    boolean done = false;
    try {
      // Fails if somebody outside this process has made one at the same time.
      privateKey(session, label);
      checkNeverOut(session, made.privateKey(), "the key " + label);
      Pair pair = read(session, label, made.privateKey());
      if (pair.type() != type) {
        throw new KeyFault.Failed("the token made another type of key than " + type.text());
      }
      done = true;
      return pair;
    } finally {
      if (!done) {
        undo(session, made.privateKey());
        undo(session, made.publicKey());
      }
    }
  }

  private CryptokiSession.NewPair generate(CryptokiSession session, KeyLabel label, KeyType type)
      throws KeyFault, CryptokiException {
    return generate(session, store.of(label), label.toString(), type);
  }

  private CryptokiSession.NewPair generate(
      CryptokiSession session, byte[] id, String name, KeyType type)
      throws KeyFault, CryptokiException {
    long mechanism =
        type.keyAlgorithm().equals("EC") ? Ck.CKM_EC_KEY_PAIR_GEN : Ck.CKM_RSA_PKCS_KEY_PAIR_GEN;
    Template publicHalf = publicTemplate(id, name, type);
    Template privateHalf = privateTemplate(id, name, type);
    try {
      try {
        return session.generateKeyPair(
            mechanism,
            publicHalf.with(Ck.CKA_ENCRYPT, false),
            privateHalf.with(Ck.CKA_DECRYPT, false));
      } catch (CryptokiException e) {
        if (!e.is(Ckr.GENERAL_ERROR)) {
          throw e;
        }
        // libtpm2-pkcs11 doesn't take a key that is for signing only.
        return session.generateKeyPair(
            mechanism, publicTemplate(id, name, type), privateTemplate(id, name, type));
      }
    } catch (CryptokiException e) {
      throw noRoom("the key " + name, e);
    }
  }

  /** Waiting doesn't help then, and the way to the token isn't lost. */
  private static KeyFault.Failed noRoom(String what, CryptokiException e) throws CryptokiException {
    if (e.is(Ckr.DEVICE_MEMORY)) {
      return new KeyFault.Failed("the token has no room for " + what, e);
    }
    throw e;
  }

  private Template publicTemplate(byte[] id, String name, KeyType type) {
    Template template =
        named(Ck.CKO_PUBLIC_KEY, id, name).with(Ck.CKA_VERIFY, true).with(Ck.CKA_WRAP, false);
    return type.keyAlgorithm().equals("EC")
        ? template.with(Ck.CKA_EC_PARAMS, TokenPublicKey.parameters(type))
        : template
            .with(Ck.CKA_MODULUS_BITS, type.bits())
            .with(Ck.CKA_PUBLIC_EXPONENT, TokenPublicKey.EXPONENT.toByteArray());
  }

  private Template privateTemplate(byte[] id, String name, KeyType type) {
    return secret(named(Ck.CKO_PRIVATE_KEY, id, name))
        .with(Ck.CKA_KEY_TYPE, type.keyAlgorithm().equals("EC") ? Ck.CKK_EC : Ck.CKK_RSA)
        .with(Ck.CKA_UNWRAP, false)
        .with(Ck.CKA_SIGN_RECOVER, false);
  }

  /** Stays in the token, signs, and does nothing else. */
  private static Template secret(Template template) {
    return template
        .with(Ck.CKA_PRIVATE, true)
        .with(Ck.CKA_SENSITIVE, true)
        .with(Ck.CKA_EXTRACTABLE, false)
        .with(Ck.CKA_SIGN, true)
        .with(Ck.CKA_DERIVE, false);
  }

  private Template named(long objectClass, byte[] id, String name) {
    return byId(objectClass, id)
        .with(Ck.CKA_TOKEN, true)
        .with(Ck.CKA_LABEL, label(name).getBytes(StandardCharsets.UTF_8));
  }

  /** For people: shortened, on one line. */
  private String label(String name) {
    StringBuilder text = new StringBuilder(prefix).append(' ');
    name.codePoints()
        .limit(LONGEST_NAME)
        .map(c -> Character.isISOControl(c) ? '?' : c)
        .forEach(text::appendCodePoint);
    return text.toString();
  }

  /** Makes the sealing key, and tries it. */
  long makeSealingKey(CryptokiSession session) throws KeyFault, CryptokiException {
    long made = generateSealingKey(session);
    boolean done = false;
    try {
      checkNeverOut(session, made, "the sealing key");
      if (!Arrays.equals(mac(session, made, CHECKED_INPUT), mac(session, made, CHECKED_INPUT))) {
        throw new KeyFault.Failed("the token's sealing key makes another secret each time");
      }
      done = true;
      return made;
    } finally {
      if (!done) {
        undo(session, made);
      }
    }
  }

  private long generateSealingKey(CryptokiSession session) throws KeyFault, CryptokiException {
    try {
      return session.generateKey(
          Ck.CKM_GENERIC_SECRET_KEY_GEN,
          secret(named(Ck.CKO_SECRET_KEY, store.ofSealingKey(), "sealing key"))
              .with(Ck.CKA_KEY_TYPE, Ck.CKK_GENERIC_SECRET)
              .with(Ck.CKA_VERIFY, false)
              .with(Ck.CKA_ENCRYPT, false)
              .with(Ck.CKA_DECRYPT, false)
              .with(Ck.CKA_WRAP, false)
              .with(Ck.CKA_UNWRAP, false)
              .with(Ck.CKA_VALUE_LEN, SEALING_KEY));
    } catch (CryptokiException e) {
      if (e.is(Ckr.FUNCTION_NOT_SUPPORTED)) {
        return generateSealingPair(session);
      }
      throw noRoom("the sealing key", e);
    }
  }

  /** For tokens that make no secret keys, as libtpm2-pkcs11's. */
  private long generateSealingPair(CryptokiSession session) throws KeyFault, CryptokiException {
    return generate(session, store.ofSealingKey(), "sealing key", KeyType.RSA_2048).privateKey();
  }

  /**
   * A secret of 32 octets that only the token's sealing key makes of that input: an HMAC-SHA256 of
   * a secret key. Of an RSA key it is HKDF-SHA256 of the input's signature (RFC 8017 section 8.2),
   * which is the same each time, and which nobody else makes or ever sees: that key signs nothing
   * else.
   */
  static byte[] mac(CryptokiSession session, long key, byte[] input)
      throws KeyFault, CryptokiException {
    if (number(session, key, Ck.CKA_CLASS) == Ck.CKO_PRIVATE_KEY) {
      byte[] signature = TokenSignature.sign(session, key, KeyType.RSA_2048, input);
      byte[] secret = SealedBox.derive(signature, new byte[0], OF_SIGNATURE, input);
      Arrays.fill(signature, (byte) 0);
      return secret;
    }
    byte[] mac = session.sign(Ck.CKM_SHA256_HMAC, key, input);
    if (mac.length != SEALING_KEY) {
      throw new KeyFault.Failed("the token's answer is no HMAC-SHA256");
    }
    return mac;
  }

  /** Destroys every object of the store. */
  void destroyAll(CryptokiSession session) throws KeyFault, CryptokiException {
    for (long objectClass : new long[] {Ck.CKO_PRIVATE_KEY, Ck.CKO_PUBLIC_KEY, Ck.CKO_SECRET_KEY}) {
      long[] all = session.find(new Template().with(Ck.CKA_CLASS, objectClass), MOST_OBJECTS);
      for (long object : all) {
        if (session.attribute(object, Ck.CKA_ID).filter(store::owns).isPresent()) {
          session.destroy(object);
        }
      }
      if (all.length == MOST_OBJECTS) {
        throw new KeyFault.Failed(
            "the token holds too many objects to look through: destroy those whose CKA_ID begins"
                + " with "
                + store);
      }
    }
  }

  private static void undo(CryptokiSession session, long object) {
    try {
      session.destroy(object);
    } catch (CryptokiException e) {
      System.getLogger(TokenObjects.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "a key that was not wanted is left in the token: {0}",
              e.getMessage());
    }
  }
}
