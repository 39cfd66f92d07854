/*
 * Sends descriptors along with each part of a request (SCM_RIGHTS): attach SOCKET REQUEST COUNT, 100 each with COUNT parts. A reader
 * that made room for them would have them open from then on. Reports the answer, and holds the connection until its input ends.
 */
#include "caller.h"

#define EACH 100

static void send_with(int fd, const char *text, size_t length, int descriptor) {
  struct iovec part = {(char *)text, length};
  static union {
    char room[CMSG_SPACE(EACH * sizeof(int))];
    struct cmsghdr align;
  } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(EACH * sizeof(int));
  for (int i = 0; i < EACH; i++) {
    ((int *)CMSG_DATA(header))[i] = descriptor;
  }
  check(sendmsg(fd, &message, MSG_NOSIGNAL), "sendmsg");
}

int main(int argc, char **argv) {
  if (argc != 4) {
    return 2;
  }
  int fd = connect_to(argv[1], SOCK_CLOEXEC);
  int nothing = check(open("/dev/null", O_RDWR | O_CLOEXEC), "/dev/null");
  size_t length = strlen(argv[2]);
  size_t parts = atoi(argv[3]);
  for (size_t i = 0; i < parts; i++) {
    size_t from = length * i / parts;
    send_with(fd, argv[2] + from, length * (i + 1) / parts - from, nothing);
  }
  report(hear(fd));
  while (told()) {
  }
  return 0;
}
