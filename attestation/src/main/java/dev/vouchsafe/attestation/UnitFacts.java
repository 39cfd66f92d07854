package dev.vouchsafe.attestation;

/**
 * What the system manager says of a unit (org.freedesktop.systemd1(5)).
 *
 * @param controlGroup the path of its cgroup, empty if it has none now
 * @param invocationId 32 lower-case hex digits, empty if it has none now
 */
record UnitFacts(String controlGroup, String invocationId) {
  /** Of a unit that there isn't. */
  static final UnitFacts NONE = new UnitFacts("", "");
}
