package dev.vouchsafe.api;

import java.time.Duration;

/**
 * How long the front ends wait.
 *
 * @param header for the rest of a request's head, from its first byte
 * @param body for a request's body, from the end of its head
 * @param idle for the next request on a connection, and for a peer that doesn't take its answer
 * @param linger for a peer to stop sending after an early answer, so that it can read that answer
 * @param handshake for a TLS handshake
 * @param drain for requests under way when we stop
 * @param firstCertificate for the https listener's certificate when we start
 * @param hold for a registration, before who has none on the SPIFFE socket is told to come again
 * @param tick how often the https certificate's time is looked at; short, so that a clock that
 *     jumped or a machine that slept is noticed
 */
record Timeouts(
    Duration header,
    Duration body,
    Duration idle,
    Duration linger,
    Duration handshake,
    Duration drain,
    Duration firstCertificate,
    Duration hold,
    Duration tick) {
  static Timeouts defaults() {
    return new Timeouts(
        Duration.ofSeconds(5),
        Duration.ofSeconds(5),
        Duration.ofSeconds(60),
        Duration.ofSeconds(1),
        Duration.ofSeconds(5),
        Duration.ofSeconds(5),
        Duration.ofSeconds(10),
        Duration.ofSeconds(10),
        Duration.ofSeconds(10));
  }
}
