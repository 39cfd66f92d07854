package dev.vouchsafe.api;

/** One request under way, and the one answer that it gets. Safe for use by many threads. */
interface Exchange {
  /** For an answer whose loss needs no deed. */
  Runnable NOTHING_LOST =
      () -> {
        // Nothing was issued.
      };

  Request request();

  /** Who sent it. */
  Peer peer();

  /**
   * Answers; only the first call counts.
   *
   * @param lost what to do if the answer can't be handed over; runs once at most, and must not wait
   * @return whether this was the first call; if not, {@code lost} is never run
   */
  boolean answer(Response response, Runnable lost);

  /** Answers with what costs nothing to lose, unless it was answered. */
  default void answer(Response response) {
    boolean _ = answer(response, NOTHING_LOST);
  }

  /** Runs once the exchange has ended, answered or not. To be called on the event loop only. */
  void whenDone(Runnable action);

  /** Has something done on the event loop, unless that has ended; from any thread. */
  void later(Runnable action);

  /** Others need not wait for it any more: it takes long, which is the doing of its peer. */
  default void takesLong() {
    // Nobody waits for it.
  }

  /** Runs if the peer hangs up before it is answered. To be called on the event loop only. */
  void whenHungUp(Runnable action);
}
