package dev.vouchsafe.keys;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Looks at everything that a PKCS#11 store stands on, step by step, and changes nothing. What needs
 * the library is looked at in a thread of its own, since the library may hang.
 */
final class Pkcs11Examination {
  /** After so long the library counts as hung, and what was found so far is told. */
  private static final Duration LONGEST = Duration.ofSeconds(35);

  private static final String SETTING = " in pkcs11-uri";
  private static final String TOKEN = "token= or serial=" + SETTING;
  private static final String PIN = "pin-source=" + SETTING;
  private static final String LIBRARY = "module-path=" + SETTING;

  private final SecureFiles files;
  private final SecureRandom random;
  private final LongSupplier nanos;
  private final Path directory;
  private final Pkcs11Settings settings;
  private final Pkcs11Uri uri;
  private final Findings findings = new Findings();
  private @Nullable StoreId store;

  /**
   * @param nanos a clock for durations
   */
  Pkcs11Examination(
      SecureFiles files,
      SecureRandom random,
      LongSupplier nanos,
      Path directory,
      Pkcs11Settings settings) {
    this.files = files;
    this.random = random;
    this.nanos = nanos;
    this.directory = directory;
    this.settings = settings;
    this.uri = settings.uri();
  }

  List<KeyStoreFinding> run(LibrarySource source) {
    boolean folder = findings.step("folder", directory.toString(), this::folder);
    boolean pin = findings.step("PIN file", PIN, this::pinFile);
    Thread looking =
        Thread.ofPlatform().daemon().name("token-check").start(() -> library(source, folder, pin));
    try {
      if (!looking.join(LONGEST)) {
        findings.fault(
            "library", new KeyFault.Unavailable("the PKCS#11 library hangs in a call"), LIBRARY);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return findings.all();
  }

  private String folder() throws KeyFault {
    if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      return directory + " is not there yet: init makes it";
    }
    try {
      files.checkFolder(directory);
      store = StoreId.read(directory, files);
      return directory + " is for its owner only, and keeps the store's id";
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be read", e);
    }
  }

  private String pinFile() throws KeyFault {
    Pkcs11Stores.checkApart(directory, uri);
    SealSecret.readPin(uri.pinSource(), files).close();
    return uri.pinSource() + " can be read, and holds one line";
  }

  private void library(LibrarySource source, boolean folder, boolean pin) {
    CryptokiLibrary library;
    try {
      library = source.library();
      findings.ok(
          "library",
          settings.helper()
              ? uri.modulePath() + " runs in a helper process"
              : uri.modulePath()
                  + " is a PKCS#11 library, and loads; it runs in the service's own process, which"
                  + " its crash would end: pkcs11-helper = true keeps it apart");
    } catch (KeyFault e) {
      findings.fault("library", e, LIBRARY);
      return;
    }
    String subject = "library";
    String remedy = LIBRARY;
    try {
      LibraryCalls.Call call = library.calls().begin(nanos, LONGEST.toNanos());
      try {
        Cryptoki cryptoki = library.enter();
        try {
          subject = "token";
          remedy = TOKEN;
          token(cryptoki, folder, pin);
        } finally {
          library.leave();
        }
      } finally {
        call.end();
      }
    } catch (KeyFault e) {
      findings.fault(subject, e, remedy);
    } catch (CryptokiException e) {
      findings.fault(subject, fault(e), remedy);
    }
  }

  private KeyFault fault(CryptokiException e) {
    return TokenOpener.fault(
        "token " + uri.tokenNamed() + " (module-path " + uri.modulePath() + ")", e);
  }

  private void token(Cryptoki cryptoki, boolean folder, boolean pin)
      throws KeyFault, CryptokiException {
    TokenSearch search = new TokenSearch(cryptoki, uri, false);
    TokenInfo token = search.one();
    findings.ok(
        "token",
        "slot "
            + token.slot()
            + ": "
            + token.named()
            + ", maker "
            + token.manufacturer()
            + ", model "
            + token.model());
    if (token.is(Ck.CKF_WRITE_PROTECTED)) {
      findings.warning(
          "token", "it is write-protected: keys that are there sign, none can be made", TOKEN);
    }
    mechanisms(cryptoki, token);
    if (pin && findings.step("PIN", PIN, () -> flags(search, token))) {
      session(cryptoki, token, folder);
    }
  }

  private static String flags(TokenSearch search, TokenInfo token) throws KeyFault {
    search.checkBeforeLogin(token);
    return token.is(Ck.CKF_USER_PIN_COUNT_LOW)
        ? "the token lets it be tried, though a wrong one was tried since the last right one"
        : "the token lets it be tried";
  }

  private void mechanisms(Cryptoki cryptoki, TokenInfo token) throws CryptokiException {
    List<String> missing = new ArrayList<>();
    for (NeededMechanism needed : NeededMechanism.values()) {
      if (!needed.isIn(cryptoki, token.slot())) {
        missing.add(needed.text());
      }
    }
    boolean makesNoSecrets = missing.contains(NeededMechanism.MAKE_SECRET.text());
    if (makesNoSecrets && NeededMechanism.MAKE_RSA.isIn(cryptoki, token.slot())) {
      // Sealing is by the signatures of an RSA key then.
      missing.removeAll(List.of(NeededMechanism.MAKE_SECRET.text(), NeededMechanism.MAC.text()));
    } else if (!makesNoSecrets) {
      missing.remove(NeededMechanism.MAKE_RSA.text());
    }
    if (missing.isEmpty()) {
      findings.ok("mechanisms", "the token has all that are needed");
    } else {
      findings.fault(
          "mechanisms",
          new KeyFault.Failed("the token lacks " + String.join(", ", missing)),
          "a token that has them, or their release in its policy; then " + TOKEN);
    }
  }

  private void session(Cryptoki cryptoki, TokenInfo token, boolean folder)
      throws KeyFault, CryptokiException {
    try (CryptokiSession session = CryptokiSession.open(cryptoki, token.slot(), false)) {
      boolean in =
          findings.step(
              "login",
              PIN,
              () -> {
                try {
                  boolean taken =
                      new TokenPin(
                              uri.pinSource(),
                              files,
                              random,
                              RefusedPinNote.readOnly(directory, files))
                          .login(session, token);
                  return taken
                      ? "the token takes the PIN in " + uri.pinSource()
                      : "not tried: this process has logged in already, so the token doesn't look"
                          + " at the PIN in "
                          + uri.pinSource();
                } catch (CryptokiException e) {
                  throw fault(e);
                }
              });
      if (in && folder) {
        findings.step(
            "store", TOKEN + ", or a backup of " + directory, () -> store(session, token));
      }
    }
  }

  private String store(CryptokiSession session, TokenInfo token) throws KeyFault {
    StoreId id = store;
    if (id == null) {
      return "none yet: init makes it";
    }
    TokenObjects objects = new TokenObjects(id, uri.object(), SoftwareCrypto.choose());
    try {
      OptionalLong sealing = objects.sealingKey(session);
      if (sealing.isEmpty()) {
        throw TokenOpener.notOurs(token);
      }
      TokenObjects.mac(session, sealing.getAsLong(), new byte[1]);
      int keys = objects.readAll(session).size();
      return "its sealing key works, and each of "
          + keys
          + " keys signs, and its public key verifies that";
    } catch (CryptokiException e) {
      throw fault(e);
    }
  }

  /** A mechanism that a token must have. */
  private enum NeededMechanism {
    MAKE_EC(Ck.CKM_EC_KEY_PAIR_GEN, Ck.CKF_GENERATE_KEY_PAIR, "CKM_EC_KEY_PAIR_GEN"),
    SIGN_EC(Ck.CKM_ECDSA, Ck.CKF_SIGN, "CKM_ECDSA"),
    MAKE_SECRET(Ck.CKM_GENERIC_SECRET_KEY_GEN, Ck.CKF_GENERATE, "CKM_GENERIC_SECRET_KEY_GEN"),
    MAC(Ck.CKM_SHA256_HMAC, Ck.CKF_SIGN, "CKM_SHA256_HMAC"),
    /** Where the two before are missing. */
    MAKE_RSA(Ck.CKM_RSA_PKCS_KEY_PAIR_GEN, Ck.CKF_GENERATE_KEY_PAIR, "CKM_RSA_PKCS_KEY_PAIR_GEN");

    /** CK_MECHANISM_INFO: two key sizes, then flags. */
    private static final long INFO = 3 * Long.BYTES;

    private static final long FLAGS = 2 * Long.BYTES;

    private final long mechanism;
    private final long flag;
    private final String text;

    NeededMechanism(long mechanism, long flag, String text) {
      this.mechanism = mechanism;
      this.flag = flag;
      this.text = text;
    }

    String text() {
      return text;
    }

    boolean isIn(Cryptoki cryptoki, long slot) throws CryptokiException {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment info = arena.allocate(INFO, Long.BYTES);
        cryptoki.call(Cryptoki.Function.GET_MECHANISM_INFO, slot, mechanism, info.address());
        return (info.get(JAVA_LONG, FLAGS) & flag) != 0;
      } catch (CryptokiException e) {
        if (e.is(Ckr.MECHANISM_INVALID)) {
          return false;
        }
        throw e;
      }
    }
  }
}
