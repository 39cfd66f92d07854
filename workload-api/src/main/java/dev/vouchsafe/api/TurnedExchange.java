package dev.vouchsafe.api;

/**
 * An exchange that had to wait for its turn, and lets the next one in when it is answered, or takes
 * long through its peer's own doing; not when its peer hangs up, since what was begun for it goes
 * on.
 */
record TurnedExchange(Exchange exchange, Turns.Ticket ticket) implements Exchange {
  @Override
  public Request request() {
    return exchange.request();
  }

  @Override
  public Peer peer() {
    return exchange.peer();
  }

  @Override
  public boolean answer(Response response, Runnable lost) {
    try {
      return exchange.answer(response, lost);
    } finally {
      ticket.over();
    }
  }

  @Override
  public void takesLong() {
    ticket.over();
    exchange.takesLong();
  }

  @Override
  public void whenDone(Runnable action) {
    exchange.whenDone(action);
  }

  @Override
  public void whenHungUp(Runnable action) {
    exchange.whenHungUp(action);
  }

  @Override
  public void later(Runnable action) {
    exchange.later(action);
  }
}
