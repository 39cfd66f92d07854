package dev.vouchsafe.api;

/** What one listener serves. */
interface Routes {
  /** Takes one request on; runs on an event loop, so it must not wait. */
  void serve(Exchange exchange);

  /** The longest body that a request may have, in octets. */
  default int longestBody() {
    return 64 * 1024;
  }

  /** A request that was {@linkplain #serve taken on} is answered; runs on any thread. */
  default void answered(Request request, Response response) {}

  /** The answer to what was no request, or to a connection over the limits. */
  Response refusal(Failure failure);
}
