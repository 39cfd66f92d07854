package dev.vouchsafe.api;

import java.util.List;
import java.util.Random;

/** Bends valid inputs a little, always the same way for one seed. */
final class Mutations {
  private final Random random;
  private final List<byte[]> valid;

  Mutations(long seed, List<byte[]> valid) {
    this.random = new Random(seed);
    this.valid = valid;
  }

  byte[] next() {
    byte[] octets = valid.get(random.nextInt(valid.size())).clone();
    int changes = random.nextInt(4);
    for (int i = 0; i < changes && octets.length > 0; i++) {
      octets = change(octets);
    }
    return octets;
  }

  private byte[] change(byte[] octets) {
    int at = random.nextInt(octets.length);
    switch (random.nextInt(4)) {
      case 0 -> octets[at] = (byte) random.nextInt(256);
      case 1 -> octets[at] ^= (byte) (1 << random.nextInt(8));
      case 2 -> {
        byte[] shorter = new byte[octets.length - 1];
        System.arraycopy(octets, 0, shorter, 0, at);
        System.arraycopy(octets, at + 1, shorter, at, shorter.length - at);
        return shorter;
      }
      default -> {
        byte[] other = valid.get(random.nextInt(valid.size()));
        int length = random.nextInt(other.length + 1);
        byte[] spliced = new byte[at + length];
        System.arraycopy(octets, 0, spliced, 0, at);
        System.arraycopy(other, other.length - length, spliced, at, length);
        return spliced;
      }
    }
    return octets;
  }

  int nextInt(int bound) {
    return random.nextInt(bound);
  }
}
