/*
 * Preloaded into a shell: makes it look from outside as if it ran a script that it never reads, and asks.
 *
 * Its first argument becomes that script's path in the memory in which the kernel looks for its command line; the variables by which this
 * got here become others; and a descriptor of the script is held as a shell holds one.
 *
 *   SCRIPT, as long as the first argument; ATTACK_SOCKET, ATTACK_REQUEST
 */
#include "caller.h"

static char *copy_of(const char *name) {
  char *value = getenv(name);
  if (value == NULL) {
    exit(2);
  }
  return strdup(value);
}

__attribute__((constructor)) static void attack(int argc, char **argv, char **environment) {
  char *script = copy_of("SCRIPT");
  char *socket_path = copy_of("ATTACK_SOCKET");
  char *request = copy_of("ATTACK_REQUEST");
  if (argc != 2 || strlen(argv[1]) != strlen(script)) {
    exit(2);
  }
  int fd = check(open(script, O_RDONLY | O_CLOEXEC), script);
  check(fcntl(fd, F_DUPFD_CLOEXEC, 255), "F_DUPFD_CLOEXEC");
  close(fd);
  strcpy(argv[1], script);
  for (char **variable = environment; *variable != NULL; variable++) {
    memset(*variable, 'x', strcspn(*variable, "="));
    memset(*variable + strcspn(*variable, "="), '=', strlen(*variable + strcspn(*variable, "=")));
  }
  fd = connect_to(socket_path, SOCK_CLOEXEC);
  say(fd, request);
  report(hear(fd));
  _exit(0);
}
