package dev.vouchsafe.keys;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Attributes that an object is made with or looked for by (an array of CK_ATTRIBUTE). */
final class Template {
  /** Octets of one CK_ATTRIBUTE: type, pointer to the value, length of the value. */
  static final long ATTRIBUTE = 3 * Long.BYTES;

  static final long VALUE = Long.BYTES;
  static final long LENGTH = 2 * Long.BYTES;

  private final List<Long> types = new ArrayList<>();
  private final List<byte[]> values = new ArrayList<>();

  Template with(long type, byte[] value) {
    types.add(type);
    values.add(value.clone());
    return this;
  }

  Template with(long type, boolean value) {
    return with(type, new byte[] {(byte) (value ? 1 : 0)});
  }

  Template with(long type, long value) {
    return with(
        type,
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder()).putLong(value).array());
  }

  /** The value of an attribute that is a CK_ULONG. */
  static long number(byte[] value) {
    return ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).getLong();
  }

  int size() {
    return types.size();
  }

  MemorySegment in(Arena arena) {
    MemorySegment all = arena.allocate(ATTRIBUTE * types.size(), Long.BYTES);
    for (int i = 0; i < types.size(); i++) {
      byte[] octets = values.get(i);
      MemorySegment value = arena.allocateFrom(JAVA_BYTE, octets);
      all.set(JAVA_LONG, i * ATTRIBUTE, types.get(i));
      all.set(JAVA_LONG, i * ATTRIBUTE + VALUE, value.address());
      all.set(JAVA_LONG, i * ATTRIBUTE + LENGTH, octets.length);
    }
    return all;
  }
}
