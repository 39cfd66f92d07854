package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.crypto.signers.StandardDSAEncoding;

/**
 * The objects of a store in a TPM, each step by one call of tpm2-tools: a primary key that the TPM
 * makes anew from its seed and a fixed template, below it a sealing key (HMAC-SHA256) and the key
 * pairs. All are made in the TPM and can't leave it (fixedTPM, fixedParent, sensitiveDataOrigin).
 */
final class TpmObjects {
  private static final String PRIMARY =
      "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda";
  private static final String CHILD = "fixedtpm|fixedparent|sensitivedataorigin|sign";
  private static final String STORAGE_KEY = "ecc256:null:aes128cfb";
  private static final int MAC = 32;
  private static final BigInteger ORDER = NamedCurves.orderOf(KeyType.EC_P256);

  private final TpmAuth owner;
  private final TpmAuth keys;

  TpmObjects(TpmAuth owner, TpmAuth keys) {
    this.owner = owner;
    this.keys = keys;
  }

  /** The key that ours are made under. */
  record Primary(TpmRef.Context context, TpmName name) {}

  TpmAuth ownerAuth() {
    return owner;
  }

  TpmAuth keyAuth() {
    return keys;
  }

  /** The owner hierarchy's primary key, which is another one after a clear. */
  Primary primary(TpmTurn turn) throws KeyFault, TpmException, IOException {
    TpmCall make =
        TpmCall.of("tpm2_createprimary", "-Q", "-C", "o", "-g", "sha256", "-G", STORAGE_KEY)
            .with("-a", PRIMARY, "-c", "primary.ctx")
            .authorized("-P", owner);
    turn.run(make.patient());
    return named(turn);
  }

  /** What tells one TPM from another, and survives a clear; nothing if the TPM won't make it. */
  TpmName chip(TpmTurn turn) throws KeyFault, TpmException, IOException {
    try {
      turn.run(
          TpmCall.of("tpm2_createprimary", "-Q", "-C", "e", "-g", "sha256", "-G", STORAGE_KEY)
              .with("-a", PRIMARY, "-c", "primary.ctx")
              .patient());
    } catch (TpmException e) {
      // Its owner may have given that hierarchy an auth value, or switched it off.
      if (e.is(TpmRc.Kind.AUTH) || e.is(TpmRc.Kind.OTHER)) {
        return TpmName.NONE;
      }
      throw e;
    }
    return named(turn).name();
  }

  /** A primary key's Name isn't known before it is loaded: it is flushed only now. */
  private static Primary named(TpmTurn turn) throws KeyFault, TpmException, IOException {
    turn.runNaming(
        TpmCall.of("tpm2_readpublic", "-Q", "-c", "primary.ctx", "-n", "primary.name"),
        "primary.name");
    return new Primary(
        new TpmRef.Context(turn.read("primary.ctx")), TpmName.of(turn.read("primary.name")));
  }

  /** Makes the secret key that others are derived from. */
  TpmBlob makeSealingKey(TpmTurn turn, Primary primary) throws KeyFault, TpmException, IOException {
    return make(
        turn,
        TpmCall.of("tpm2_create", "-Q", "-C", turn.object(primary.context(), "primary.ctx"))
            .with("-g", "sha256", "-G", "hmac:sha256", "-a", attributes(true))
            .authorized("-p", keys));
  }

  /**
   * Makes a key pair.
   *
   * @param type one that a TPM makes
   * @param pcrs what it is bound to; such a key is used under a policy, which asks for the sealing
   *     key's auth value, if there is one, and not for its own
   */
  TpmBlob makeKey(
      TpmTurn turn, Primary primary, KeyType type, Optional<TpmPcrs> pcrs, TpmRef sealingKey)
      throws KeyFault, TpmException, IOException {
    String algorithm = type == KeyType.EC_P256 ? "ecc256:ecdsa-sha256" : "rsa2048:rsassa-sha256";
    if (pcrs.isPresent()) {
      turn.write("policy", policy(turn, pcrs.get(), sealingKey));
    }
    TpmCall call =
        TpmCall.of("tpm2_create", "-Q", "-C", turn.object(primary.context(), "primary.ctx"))
            .with("-g", "sha256", "-G", algorithm, "-a", attributes(pcrs.isEmpty()));
    return make(turn, pcrs.isPresent() ? call.with("-L", "policy") : call.authorized("-p", keys));
  }

  /**
   * Wrong auth values count against the whole TPM only where they could be guesses: nobody guesses
   * 32 random octets, and there is nothing to guess where there is none.
   */
  private String attributes(boolean withAuth) {
    return CHILD
        + (withAuth ? "|userwithauth" : "")
        + (!withAuth || !keys.isSet() || keys.isGenerated() ? "|noda" : "");
  }

  private static TpmBlob make(TpmTurn turn, TpmCall call)
      throws KeyFault, TpmException, IOException {
    turn.run(call.with("-u", "made.pub", "-r", "made.priv").slow().loading(1));
    try {
      return TpmBlob.of(turn.read("made.pub"), turn.read("made.priv"));
    } catch (MalformedException e) {
      throw new KeyFault.Failed("the TPM made something else than a key: " + e.getMessage(), e);
    }
  }

  /** Loads a blob. */
  TpmRef.Context load(TpmTurn turn, Primary primary, TpmBlob blob)
      throws KeyFault, TpmException, IOException {
    turn.write("load.pub", blob.publicArea().octets());
    turn.write("load.priv", blob.privateArea());
    turn.own(blob.name());
    turn.run(
        TpmCall.of("tpm2_load", "-Q", "-C", turn.object(primary.context(), "primary.ctx"))
            .with("-u", "load.pub", "-r", "load.priv", "-c", "load.ctx", "-n", "load.name")
            .loading(2));
    if (!TpmName.of(turn.read("load.name")).equals(blob.name())) {
      throw new KeyFault.Failed("the TPM loaded another key than it was given");
    }
    return new TpmRef.Context(turn.read("load.ctx"));
  }

  /** HMAC-SHA256 by the sealing key. */
  byte[] mac(TpmTurn turn, TpmRef sealingKey, byte[] input)
      throws KeyFault, TpmException, IOException {
    byte[] mac =
        turn.run(
            TpmCall.of("tpm2_hmac", "-c", turn.object(sealingKey, "hmac.ctx"))
                .with("-g", "sha256")
                .authorized("-p", keys)
                .with(turn.write("hmac.in", input))
                .loading(sealingKey.loads()));
    if (mac.length != MAC) {
      Arrays.fill(mac, (byte) 0);
      throw new KeyFault.Failed("the TPM's answer is no HMAC-SHA256");
    }
    return mac;
  }

  /**
   * Signs a digest of SHA-256.
   *
   * @return in the form of {@link StoredKey#sign}
   */
  byte[] sign(
      TpmTurn turn,
      TpmRef key,
      KeyType type,
      Optional<TpmPcrs> pcrs,
      TpmRef sealingKey,
      byte[] digest)
      throws KeyFault, TpmException, IOException {
    TpmCall call =
        TpmCall.of("tpm2_sign", "-Q", "-c", turn.object(key, "sign.ctx"))
            .with("-g", "sha256", "-s", type == KeyType.EC_P256 ? "ecdsa" : "rsassa")
            .with("-d", "-f", "plain", "-o", "signature", turn.write("digest", digest))
            .loading(key.loads());
    if (pcrs.isEmpty()) {
      turn.run(call.authorized("-p", keys));
    } else if (keys.isSet()) {
      signInSession(turn, call, pcrs.get(), sealingKey);
    } else {
      turn.run(call.with("-p", "pcr:" + pcrs.get().selection()));
    }
    return checked(turn.read("signature"), type);
  }

  private void signInSession(TpmTurn turn, TpmCall call, TpmPcrs pcrs, TpmRef sealingKey)
      throws KeyFault, TpmException, IOException {
    inSession(
        turn,
        List.of("--policy-session"),
        () -> {
          turn.run(
              TpmCall.of("tpm2_policypcr", "-Q", "-S", TpmTurn.SESSION)
                  .with("-l", pcrs.selection().toString()));
          turn.run(policySecret(turn, sealingKey));
          turn.run(call.with("-p", "session:" + TpmTurn.SESSION));
        });
  }

  private TpmCall policySecret(TpmTurn turn, TpmRef sealingKey) throws IOException {
    return TpmCall.of("tpm2_policysecret", "-Q", "-S", TpmTurn.SESSION)
        .with("-c", turn.object(sealingKey, "hmac.ctx"))
        .authorized("", keys)
        .loading(sealingKey.loads());
  }

  /** The digest of a policy: these PCRs with these values, and the auth value if there is one. */
  private byte[] policy(TpmTurn turn, TpmPcrs pcrs, TpmRef sealingKey)
      throws KeyFault, TpmException, IOException {
    turn.write("pcr.values", pcrs.values());
    inSession(
        turn,
        List.of(),
        () -> {
          turn.run(
              TpmCall.of("tpm2_policypcr", "-Q", "-S", TpmTurn.SESSION, "-f", "pcr.values")
                  .with("-l", pcrs.selection().toString(), "-L", "policy.digest"));
          if (keys.isSet()) {
            turn.run(policySecret(turn, sealingKey).with("-L", "policy.digest"));
          }
        });
    return turn.read("policy.digest");
  }

  /** Calls in a session. */
  private interface InSession {
    void run() throws KeyFault, TpmException, IOException;
  }

  private static void inSession(TpmTurn turn, List<String> kind, InSession work)
      throws KeyFault, TpmException, IOException {
    List<String> arguments = new ArrayList<>(kind);
    arguments.addAll(List.of("-S", TpmTurn.SESSION));
    turn.run(TpmCall.of("tpm2_startauthsession", arguments.toArray(String[]::new)));
    boolean done = false;
    try {
      work.run();
      done = true;
    } finally {
      turn.flushSession(done);
    }
  }

  /** What PCRs have now. */
  byte[] pcrs(TpmTurn turn, PcrSelection selection) throws KeyFault, TpmException, IOException {
    turn.run(TpmCall.of("tpm2_pcrread", "-Q", selection.toString(), "-o", "pcr.now"));
    return turn.read("pcr.now");
  }

  private static byte[] checked(byte[] signature, KeyType type) throws KeyFault.Failed {
    if (type == KeyType.RSA_2048) {
      if (signature.length != type.bits() / Byte.SIZE) {
        throw new KeyFault.Failed("the TPM's answer is no signature");
      }
      return signature;
    }
    try {
      // Read and written again: so that it is DER, whatever the program makes.
      BigInteger[] numbers = StandardDSAEncoding.INSTANCE.decode(ORDER, signature);
      return StandardDSAEncoding.INSTANCE.encode(ORDER, numbers[0], numbers[1]);
    } catch (IOException | IllegalArgumentException e) {
      throw new KeyFault.Failed("the TPM's answer is no signature", e);
    }
  }

  /** Keeps a loaded object at a persistent handle. */
  void persist(TpmTurn turn, TpmRef.Context object, int handle)
      throws KeyFault, TpmException, IOException {
    evictControl(turn, turn.object(object, "load.ctx"), TpmHandles.text(handle), 1);
  }

  /** Removes a persistent object. */
  void evict(TpmTurn turn, int handle) throws KeyFault, TpmException {
    evictControl(turn, TpmHandles.text(handle), "", 0);
  }

  private void evictControl(TpmTurn turn, String object, String handle, int loads)
      throws KeyFault, TpmException {
    TpmCall call =
        TpmCall.of("tpm2_evictcontrol", "-Q", "-C", "o", "-c", object)
            .authorized("-P", owner)
            .loading(loads);
    turn.run(handle.isEmpty() ? call : call.with(handle));
  }
}
