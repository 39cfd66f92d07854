package dev.vouchsafe.attestation;

import java.util.concurrent.ConcurrentLinkedQueue;

/** Keeps {@link Scratch} memory for reuse; holds as many as were ever in use at once. */
final class ScratchPool {
  private final ConcurrentLinkedQueue<Scratch> free = new ConcurrentLinkedQueue<>();

  Scratch take() {
    Scratch scratch = free.poll();
    return scratch != null ? scratch : new Scratch();
  }

  void give(Scratch scratch) {
    free.add(scratch);
  }
}
