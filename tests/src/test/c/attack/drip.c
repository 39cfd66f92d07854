/*
 * Sends requests an octet at a time: drip WHAT SOCKET COUNT, on COUNT connections at once. WHAT is head, which never ends, or
 * body, which is as long as announced but never whole. Reports how many connections the server has ended, how many of these with
 * the status 408, and after how many milliseconds the last one ended.
 */
#include "caller.h"

#include <poll.h>
#include <time.h>

static long millis(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    return 2;
  }
  int head = strcmp(argv[1], "head") == 0;
  const char *begin = head ? "GET /v1/identity HTTP/1.1\r\nX: "
                           : "POST /v1/certificates HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n{";
  int count = atoi(argv[3]);
  struct pollfd *sockets = calloc(count, sizeof *sockets);
  for (int i = 0; i < count; i++) {
    sockets[i] = (struct pollfd){.fd = connect_to(argv[2], SOCK_CLOEXEC), .events = POLLIN};
    say(sockets[i].fd, begin);
  }
  long start = millis();
  int open = count, late = 0;
  while (open > 0 && millis() - start < 60000) {
    poll(sockets, count, 50);
    for (int i = 0; i < count; i++) {
      if (sockets[i].fd >= 0 && sockets[i].revents != 0) {
        late += hear(sockets[i].fd) == 408;
        close(sockets[i].fd);
        sockets[i].fd = -1;
        open--;
      } else if (sockets[i].fd >= 0) {
        say_part(sockets[i].fd, " ", 1);
      }
    }
  }
  printf("ended %d late %d after %ld\n", count - open, late, millis() - start);
  return 0;
}
