package dev.vouchsafe.tests;

/**
 * A request that a load repeats.
 *
 * @param name what is asked for, as the tables say it
 * @param target path and query
 * @param body JSON to post, or empty for a GET
 */
record Ask(String name, String target, String body) {
  static final Ask CERTIFICATE =
      new Ask("certificate", "/v1/certificates", "{\"profile\":\"server\"}");
}
