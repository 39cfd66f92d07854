package dev.vouchsafe.keys;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.vouchsafe.keys.Cryptoki.Function;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * One session with a token, and the memory outside the heap that its calls use. It belongs to one
 * thread at a time. After an exception an operation may still be under way in it: it is closed
 * then, and not used again.
 */
final class CryptokiSession implements AutoCloseable {
  /** The longest input of a signature: an encoded {@link KeyLabel} behind its purpose. */
  static final int LONGEST_INPUT = 8 * 1024;

  /** Longer than any attribute or signature of a key that we make (RSA-4096: 512 octets). */
  private static final int LONGEST_OUTPUT = 2 * 1024;

  /** CK_SESSION_INFO: four numbers, the state is the second. */
  private static final long SESSION_INFO = 4 * Long.BYTES;

  private static final long SESSION_STATE = Long.BYTES;

  private static final int MECHANISM = 3 * Long.BYTES;

  private final Cryptoki cryptoki;
  private final long handle;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment mechanism = arena.allocate(MECHANISM, Long.BYTES);
  private final MemorySegment attribute = arena.allocate(Template.ATTRIBUTE, Long.BYTES);
  private final MemorySegment numbers = arena.allocate(2 * Long.BYTES, Long.BYTES);
  private final MemorySegment input = arena.allocate(LONGEST_INPUT, Long.BYTES);
  private final MemorySegment output = arena.allocate(LONGEST_OUTPUT, Long.BYTES);

  private CryptokiSession(Cryptoki cryptoki, long handle) {
    this.cryptoki = cryptoki;
    this.handle = handle;
  }

  static CryptokiSession open(Cryptoki cryptoki, long slot, boolean writing)
      throws CryptokiException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocate(JAVA_LONG);
      long flags = Ck.CKF_SERIAL_SESSION | (writing ? Ck.CKF_RW_SESSION : 0);
      cryptoki.call(Function.OPEN_SESSION, slot, flags, 0, 0, handle.address());
      return new CryptokiSession(cryptoki, handle.get(JAVA_LONG, 0));
    }
  }

  /** Logs the user in, for all sessions of this process with this token. */
  void login(byte[] pin) throws CryptokiException {
    try (Arena once = Arena.ofConfined()) {
      MemorySegment copy = once.allocate(Math.max(1, pin.length));
      try {
        MemorySegment.copy(pin, 0, copy, JAVA_BYTE, 0, pin.length);
        cryptoki.call(Function.LOGIN, handle, Ck.CKU_USER, copy.address(), pin.length);
      } finally {
        copy.fill((byte) 0);
      }
    }
  }

  /** A signature or a MAC over at most {@link #LONGEST_INPUT} octets. */
  byte[] sign(long mechanismType, long key, byte[] data) throws CryptokiException {
    MemorySegment.copy(data, 0, input, JAVA_BYTE, 0, data.length);
    cryptoki.call(Function.SIGN_INIT, handle, mechanism(mechanismType), key);
    numbers.set(JAVA_LONG, 0, LONGEST_OUTPUT);
    cryptoki.call(
        Function.SIGN, handle, input.address(), data.length, output.address(), numbers.address());
    byte[] result = taken(Function.SIGN, numbers.get(JAVA_LONG, 0));
    // It may be a secret that was derived.
    output.asSlice(0, result.length).fill((byte) 0);
    return result;
  }

  /** The handles of objects with these attributes, at most so many. */
  long[] find(Template wanted, int most) throws CryptokiException {
    try (Arena once = Arena.ofConfined()) {
      MemorySegment found = once.allocate(JAVA_LONG, most);
      cryptoki.call(Function.FIND_OBJECTS_INIT, handle, wanted.in(once).address(), wanted.size());
      int count = 0;
      // A token may give fewer at a time than it was asked for; none means that there are no more.
      while (count < most) {
        cryptoki.call(
            Function.FIND_OBJECTS,
            handle,
            found.address() + (long) count * Long.BYTES,
            most - count,
            numbers.address());
        long more = numbers.get(JAVA_LONG, 0);
        if (more <= 0 || more > most - count) {
          break;
        }
        count += (int) more;
      }
      cryptoki.call(Function.FIND_OBJECTS_FINAL, handle);
      return found.asSlice(0, (long) count * Long.BYTES).toArray(JAVA_LONG);
    }
  }

  /** The value of an attribute; nothing if the object hasn't it, or it is none that we'd make. */
  Optional<byte[]> attribute(long object, long type) throws CryptokiException {
    attribute.set(JAVA_LONG, 0, type);
    attribute.set(JAVA_LONG, Template.VALUE, output.address());
    attribute.set(JAVA_LONG, Template.LENGTH, LONGEST_OUTPUT);
    try {
      cryptoki.call(Function.GET_ATTRIBUTE_VALUE, handle, object, attribute.address(), 1);
    } catch (CryptokiException e) {
      if (e.is(Ckr.ATTRIBUTE_TYPE_INVALID)
          || e.is(Ckr.ATTRIBUTE_SENSITIVE)
          || e.is(Ckr.BUFFER_TOO_SMALL)) {
        return Optional.empty();
      }
      throw e;
    }
    long length = attribute.get(JAVA_LONG, Template.LENGTH);
    return length == Ck.CK_UNAVAILABLE_INFORMATION
        ? Optional.empty()
        : Optional.of(taken(Function.GET_ATTRIBUTE_VALUE, length));
  }

  /** Whether an attribute is there and true. */
  boolean isTrue(long object, long type) throws CryptokiException {
    return attribute(object, type).filter(value -> value.length == 1 && value[0] == 1).isPresent();
  }

  /** Whether an attribute is there and false. */
  boolean isFalse(long object, long type) throws CryptokiException {
    return attribute(object, type).filter(value -> value.length == 1 && value[0] == 0).isPresent();
  }

  /** Whether the user is logged in still, so that this private object can be seen. */
  boolean sees(long privateObject) {
    try (Arena once = Arena.ofConfined()) {
      MemorySegment info = once.allocate(SESSION_INFO, Long.BYTES);
      cryptoki.call(Function.GET_SESSION_INFO, handle, info.address());
      long state = info.get(JAVA_LONG, SESSION_STATE);
      return (state == Ck.CKS_RO_USER_FUNCTIONS || state == Ck.CKS_RW_USER_FUNCTIONS)
          && attribute(privateObject, Ck.CKA_CLASS).isPresent();
    } catch (CryptokiException e) {
      return false;
    }
  }

  /** The handle of a new secret key. */
  long generateKey(long mechanismType, Template template) throws CryptokiException {
    try (Arena once = Arena.ofConfined()) {
      cryptoki.call(
          Function.GENERATE_KEY,
          handle,
          mechanism(mechanismType),
          template.in(once).address(),
          template.size(),
          numbers.address());
      return numbers.get(JAVA_LONG, 0);
    }
  }

  /** The handles of a new pair. */
  record NewPair(long publicKey, long privateKey) {}

  NewPair generateKeyPair(long mechanismType, Template publicKey, Template privateKey)
      throws CryptokiException {
    try (Arena once = Arena.ofConfined()) {
      cryptoki.call(
          Function.GENERATE_KEY_PAIR,
          handle,
          mechanism(mechanismType),
          publicKey.in(once).address(),
          publicKey.size(),
          privateKey.in(once).address(),
          privateKey.size(),
          numbers.address(),
          numbers.address() + Long.BYTES);
      return new NewPair(numbers.get(JAVA_LONG, 0), numbers.get(JAVA_LONG, Long.BYTES));
    }
  }

  void destroy(long object) throws CryptokiException {
    cryptoki.call(Function.DESTROY_OBJECT, handle, object);
  }

  /** A mechanism without parameter. */
  private long mechanism(long type) {
    mechanism.set(JAVA_LONG, 0, type);
    return mechanism.address();
  }

  private byte[] taken(Function function, long length) throws CryptokiException {
    if (length < 0 || length > LONGEST_OUTPUT) {
      throw new CryptokiException(function, Ckr.BUFFER_TOO_SMALL.code());
    }
    byte[] taken = new byte[(int) length];
    MemorySegment.copy(output, JAVA_BYTE, 0, taken, 0, taken.length);
    return taken;
  }

  /** Never fails: a session that the library doesn't know any more is closed. */
  @Override
  public void close() {
    try {
      cryptoki.call(Function.CLOSE_SESSION, handle);
    } catch (CryptokiException e) {
      System.getLogger(CryptokiSession.class.getName())
          .log(System.Logger.Level.DEBUG, "a session was gone before it was closed", e);
    } finally {
      arena.close();
    }
  }
}
