package dev.vouchsafe.api;

/** What one listener serves. */
interface Routes {
  /** Takes one request on; runs on an event loop, so it must not wait. */
  void serve(Exchange exchange);

  /** The answer to what was no request, or to a connection over the limits. */
  Response refusal(Failure failure);
}
