/*
 * Writes a request and says in its credentials (SCM_CREDENTIALS) that another process wrote it: claim_pid SOCKET REQUEST PID UID.
 * The kernel must not let it; it reports "denied" then.
 */
#include "caller.h"

int main(int argc, char **argv) {
  if (argc != 5) {
    return 2;
  }
  int fd = connect_to(argv[1], SOCK_CLOEXEC);
  struct ucred claimed = {.pid = atoi(argv[3]), .uid = atoi(argv[4]), .gid = getgid()};
  struct iovec part = {argv[2], strlen(argv[2])};
  union {
    char room[CMSG_SPACE(sizeof claimed)];
    struct cmsghdr align;
  } control = {{0}};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_CREDENTIALS;
  header->cmsg_len = CMSG_LEN(sizeof claimed);
  memcpy(CMSG_DATA(header), &claimed, sizeof claimed);
  if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0) {
    tell(errno == EPERM ? "denied" : strerror(errno));
    return 0;
  }
  report(hear(fd));
  return 0;
}
