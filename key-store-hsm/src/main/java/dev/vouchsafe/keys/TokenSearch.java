package dev.vouchsafe.keys;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.vouchsafe.keys.Cryptoki.Function;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Finds the one token that a URI means, and looks at its flags before anybody logs in. */
final class TokenSearch {
  private static final int MOST_SLOTS = 1024;
  private static final int MOST_NAMED = 10;
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final Cryptoki cryptoki;
  private final Pkcs11Uri uri;
  private final boolean known;
  private boolean askedTwice;

  /**
   * @param known whether the token was there before, so that it may come back if it is away
   */
  TokenSearch(Cryptoki cryptoki, Pkcs11Uri uri, boolean known) {
    this.cryptoki = cryptoki;
    this.uri = uri;
    this.known = known;
  }

  /** The token, which wasn't seen before. */
  TokenInfo one() throws KeyFault, CryptokiException {
    return one(null);
  }

  /**
   * The token.
   *
   * @param before what it said of itself when it was last there
   * @throws KeyFault.Unavailable if it was there before and is away now
   * @throws KeyFault.Failed if none or two fit
   */
  TokenInfo one(@Nullable TokenInfo before) throws KeyFault, CryptokiException {
    List<TokenInfo> there = new ArrayList<>();
    for (long slot : slots()) {
      if (uri.slotId().isEmpty() || uri.slotId().getAsLong() == slot) {
        addTo(there, slot);
      }
    }
    List<TokenInfo> found = there.stream().filter(this::fits).toList();
    if (found.isEmpty()) {
      String missing =
          "token "
              + uri.tokenNamed()
              + " not found"
              + renamed(there, before)
              + "; tokens there: "
              + names(there);
      throw known ? new KeyFault.Unavailable(missing) : new KeyFault.Failed(missing);
    }
    if (found.size() > 1) {
      throw new KeyFault.Failed(
          "token "
              + uri.tokenNamed()
              + " means several: "
              + names(found)
              + "; add serial=.. to the URI to choose one");
    }
    return found.getFirst();
  }

  /** A token keeps its serial number when it gets another label. */
  private String renamed(List<TokenInfo> there, @Nullable TokenInfo before) {
    Optional<String> serial =
        uri.serial().or(() -> Optional.ofNullable(before).map(TokenInfo::serial));
    return there.stream()
        .filter(token -> serial.filter(token.serial()::equals).isPresent())
        .findFirst()
        .map(token ->
            ": it was renamed to '" + token.label() + "'; name it so in pkcs11-uri, token=..")
        .orElse("; pkcs11-uri names it by token=.. or serial=..");
  }

  private static String names(List<TokenInfo> tokens) {
    return tokens.isEmpty()
        ? "none"
        : tokens.stream().limit(MOST_NAMED).map(TokenInfo::named).collect(Collectors.joining(", "));
  }

  private boolean fits(TokenInfo token) {
    return uri.token().map(token.label()::equals).orElse(true)
        && uri.serial().map(token.serial()::equals).orElse(true)
        && uri.manufacturer().map(token.manufacturer()::equals).orElse(true)
        && uri.model().map(token.model()::equals).orElse(true);
  }

  /** A token that just goes away, or isn't initialized, is none of those that are there. */
  private void addTo(List<TokenInfo> there, long slot) throws CryptokiException {
    try {
      TokenInfo token = info(slot);
      if (token.is(Ck.CKF_TOKEN_INITIALIZED) || !token.label().isEmpty()) {
        there.add(token);
      }
    } catch (CryptokiException e) {
      if (!e.is(Ckr.TOKEN_NOT_PRESENT)
          && !e.is(Ckr.TOKEN_NOT_RECOGNIZED)
          && !e.is(Ckr.SLOT_ID_INVALID)
          && !e.is(Ckr.DEVICE_REMOVED)
          && !e.is(Ckr.DEVICE_ERROR)) {
        throw e;
      }
    }
  }

  /**
   * SoftHSM2 says CKR_GENERAL_ERROR while another process writes the token, as it does at a login:
   * that is over soon, and worth one more question in each search.
   */
  private TokenInfo info(long slot) throws CryptokiException {
    try {
      return TokenInfo.read(cryptoki, slot);
    } catch (CryptokiException e) {
      if (askedTwice || !e.is(Ckr.GENERAL_ERROR)) {
        throw e;
      }
      askedTwice = true;
      LockSupport.parkNanos(PAUSE_NANOS);
      return TokenInfo.read(cryptoki, slot);
    }
  }

  private long[] slots() throws CryptokiException {
    try (Arena arena = Arena.ofConfined()) {
      long onlyWithToken = 1;
      MemorySegment count = arena.allocate(JAVA_LONG);
      // Some libraries look for new tokens only when they are asked for the number.
      cryptoki.call(Function.GET_SLOT_LIST, onlyWithToken, 0, count.address());
      MemorySegment slots = arena.allocate(JAVA_LONG, MOST_SLOTS);
      count.set(JAVA_LONG, 0, MOST_SLOTS);
      cryptoki.call(Function.GET_SLOT_LIST, onlyWithToken, slots.address(), count.address());
      long there = Math.clamp(count.get(JAVA_LONG, 0), 0, MOST_SLOTS);
      return slots.asSlice(0, there * Long.BYTES).toArray(JAVA_LONG);
    }
  }

  /** Whatever the token says against a login is believed, since a try may be the last one. */
  void checkBeforeLogin(TokenInfo token) throws KeyFault.Failed {
    String name = "token " + token.named() + " ";
    if (!token.is(Ck.CKF_TOKEN_INITIALIZED)) {
      throw new KeyFault.Failed(name + "is not initialized");
    }
    if (!token.is(Ck.CKF_USER_PIN_INITIALIZED)) {
      throw new KeyFault.Failed(name + "has no user PIN yet");
    }
    if (token.is(Ck.CKF_USER_PIN_LOCKED)) {
      throw new KeyFault.Failed(
          name + "has locked its user PIN: its security officer can reset it");
    }
    if (token.is(Ck.CKF_USER_PIN_FINAL_TRY)) {
      throw new KeyFault.Failed(
          name
              + "would lock its user PIN at one more wrong one: log in by hand with the right one"
              + " first");
    }
    if (token.is(Ck.CKF_USER_PIN_TO_BE_CHANGED)) {
      throw new KeyFault.Failed(name + "asks for its user PIN to be changed first");
    }
    if (token.is(Ck.CKF_PROTECTED_AUTHENTICATION_PATH)) {
      throw new KeyFault.Failed(name + "takes its PIN on a keypad only, and not by pin-source");
    }
  }
}
