package dev.vouchsafe.api;

/**
 * Lets connections of one listener in, within its limits. One over them is answered and closed,
 * never dropped in silence; only when very many are over them is there no time to wait until each
 * has read its answer.
 */
final class Doorkeeper {
  private final Quota inside;
  private final Quota turnedAway;

  Doorkeeper(ApiSettings.Limits limits) {
    this.inside = new Quota(limits.connections(), limits.perUid());
    int extra = Math.max(8, limits.connections() / 8);
    this.turnedAway = new Quota(extra, extra);
  }

  /** How a connection is met. */
  enum Welcome {
    /** It may ask. */
    INSIDE,
    /** It is told that there are too many, and may read that in peace. */
    TURNED_AWAY,
    /** It is told so in passing. */
    IN_PASSING
  }

  Welcome meet(Object owner) {
    if (inside.enter(owner)) {
      return Welcome.INSIDE;
    }
    return turnedAway.enter(owner) ? Welcome.TURNED_AWAY : Welcome.IN_PASSING;
  }

  void bye(Object owner, Welcome welcome) {
    switch (welcome) {
      case INSIDE -> inside.leave(owner);
      case TURNED_AWAY -> turnedAway.leave(owner);
      case IN_PASSING -> {
        // Was never counted.
      }
    }
  }
}
