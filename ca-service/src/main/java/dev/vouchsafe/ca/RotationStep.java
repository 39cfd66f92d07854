package dev.vouchsafe.ca;

/** A step in the life of an authority. */
public enum RotationStep {
  /** Its key is made, and its certificate; it signs nothing yet. */
  PREPARE,
  /** Of a root only: those who verify can fetch it with the trust bundle. */
  PUBLISH,
  /** It takes over from the active one, which retires. */
  ACTIVATE,
  /** It has signed its last, and nothing that lives hangs on it any more. */
  RETIRE,
  /** It is given up; where it is active already, the one before it takes over again. */
  ABORT
}
