/*
 * Opens as many connections as it may, sends the beginning of a request on each, or REQUEST, and holds them: flood SOCKET COUNT
 * [REQUEST].
 * It prints how many were opened, and ends with its input.
 */
#include "caller.h"

#include <sys/resource.h>

int main(int argc, char **argv) {
  if (argc != 3 && argc != 4) {
    return 2;
  }
  struct rlimit files;
  check(getrlimit(RLIMIT_NOFILE, &files), "getrlimit");
  files.rlim_cur = files.rlim_max;
  check(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  int opened = 0;
  for (int wanted = atoi(argv[2]); opened < wanted; opened++) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
      break;
    }
    say(fd, argc == 4 ? argv[3] : "GET /v1/id");
  }
  printf("opened %d\n", opened);
  fflush(stdout);
  while (told()) {
  }
  return 0;
}
