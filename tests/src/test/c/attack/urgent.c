/*
 * Sends an octet of urgent data (MSG_OOB), which stands in a socket's queue and is read by no ordinary read: urgent WHEN SOCKET
 * COUNT MILLISECONDS, on COUNT connections, which it holds so long. WHEN is first, head (in the midst of a head) or after (an answer).
 */
#include "caller.h"

#include <poll.h>

int main(int argc, char **argv) {
  if (argc != 5) {
    return 2;
  }
  for (int count = atoi(argv[3]); count > 0; count--) {
    int fd = connect_to(argv[2], SOCK_CLOEXEC);
    if (strcmp(argv[1], "head") == 0) {
      say(fd, "GET /v1/trust-bundle HTTP/1.1\r\nHo");
    } else if (strcmp(argv[1], "after") == 0) {
      say(fd, "GET /v1/trust-bundle HTTP/1.1\r\n\r\n");
      if (hear(fd) != 200) {
        return 2;
      }
    }
    check(send(fd, "!", 1, MSG_OOB | MSG_NOSIGNAL), "send");
  }
  poll(NULL, 0, atoi(argv[4]));
  return 0;
}
