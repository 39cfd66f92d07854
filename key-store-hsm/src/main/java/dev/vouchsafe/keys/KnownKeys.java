package dev.vouchsafe.keys;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What a store knows of its token, and holds against what is there when the token is opened anew:
 * the public key of each key that was used, and a proof of the sealing key. So neither another key
 * under the same id nor another token under the same name is ever used.
 */
final class KnownKeys {
  /** No input of a derived secret is like it: those have a zero behind their purpose. */
  private static final byte[] PROOF =
      "vouchsafe sealing key check".getBytes(StandardCharsets.US_ASCII);

  private final TokenObjects objects;
  private final Map<KeyLabel, Pkcs11Key> keys = new ConcurrentHashMap<>();
  private volatile byte @Nullable [] proof;

  KnownKeys(TokenObjects objects) {
    this.objects = objects;
  }

  @Nullable Pkcs11Key get(KeyLabel label) {
    return keys.get(label);
  }

  void put(Pkcs11Key key) {
    keys.put(key.label(), key);
  }

  /** The key that is known under that label already, or else this one. */
  Pkcs11Key putIfAbsent(Pkcs11Key key) {
    Pkcs11Key known = keys.putIfAbsent(key.label(), key);
    return known == null ? key : known;
  }

  void forget() {
    keys.clear();
  }

  /**
   * Finds every known key anew, in a connection that nobody uses yet. One that is no longer there
   * doesn't keep the others from being used.
   *
   * @throws KeyFault.Failed if another key is under the id of a known one
   */
  void check(TokenConnection connection, CryptokiSession session)
      throws KeyFault, CryptokiException {
    byte[] now = digest(TokenObjects.mac(session, connection.sealingKey(), PROOF));
    byte[] before = proof;
    if (before == null) {
      proof = now;
    } else if (!MessageDigest.isEqual(before, now)) {
      throw new KeyFault.Failed(
          "another sealing key is in token "
              + connection.token().named()
              + " under the id of ours: it is another token, or was restored from elsewhere");
    }
    for (Pkcs11Key key : keys.values()) {
      OptionalLong handle = objects.privateKey(session, key.label());
      if (handle.isPresent()) {
        bind(connection, key, objects.read(session, key.label(), handle.getAsLong()));
      }
    }
  }

  /**
   * Lets a key be used by the handle that was found.
   *
   * @throws KeyFault.Failed if another key is behind it
   */
  static void bind(TokenConnection connection, Pkcs11Key key, TokenObjects.Pair found)
      throws KeyFault.Failed {
    if (!Arrays.equals(key.publicKey().getEncoded(), found.publicKey().getEncoded())) {
      throw new KeyFault.Failed(
          "another key than before is in token "
              + connection.token().named()
              + " under the label "
              + key.label()
              + ": it is another token, or its key was replaced; put the right one back");
    }
    key.bind(connection, found.privateKey());
  }

  private static byte[] digest(byte[] mac) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(mac);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime has no SHA-256", e);
    } finally {
      Arrays.fill(mac, (byte) 0);
    }
  }
}
