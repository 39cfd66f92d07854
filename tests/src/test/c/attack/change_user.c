/*
 * Connects as root, asks, changes its user ids, and asks again on the same connection: change_user WHICH SOCKET REQUEST UID.
 * WHICH is real, effective, saved, file-system or all: the ids that change; none changes nothing; groups takes on the group of that
 * number.
 */
#include "caller.h"

int main(int argc, char **argv) {
  if (argc != 5) {
    return 2;
  }
  const char *which = argv[1];
  unsigned uid = atoi(argv[4]);
  int fd = connect_to(argv[2], SOCK_CLOEXEC);
  say(fd, argv[3]);
  printf("first %d\n", hear(fd));
  if (strcmp(which, "real") == 0) {
    check(syscall(SYS_setresuid, uid, -1, -1), "setresuid");
  } else if (strcmp(which, "effective") == 0) {
    check(syscall(SYS_setresuid, -1, uid, -1), "setresuid");
  } else if (strcmp(which, "saved") == 0) {
    check(syscall(SYS_setresuid, -1, -1, uid), "setresuid");
  } else if (strcmp(which, "file-system") == 0) {
    syscall(SYS_setfsuid, uid);
  } else if (strcmp(which, "all") == 0) {
    check(syscall(SYS_setresuid, uid, uid, uid), "setresuid");
  } else if (strcmp(which, "groups") == 0) {
    gid_t group = uid;
    check(syscall(SYS_setgroups, 1, &group), "setgroups");
  } else if (strcmp(which, "none") != 0) {
    return 2;
  }
  report(say(fd, argv[3]) ? hear(fd) : 0);
  return 0;
}
