package dev.vouchsafe.attestation;

import java.io.IOException;

/** A system call failed. */
final class SystemCallException extends IOException {
  private static final long serialVersionUID = 1L;

  private final int errno;

  SystemCallException(String call, int errno) {
    super(call + ": " + Libc.name(errno));
    this.errno = errno;
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }

  int errno() {
    return errno;
  }
}
