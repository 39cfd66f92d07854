/*
 * Answers as a container engine would: fake_engine SOCKET ID JSON, where JSON is what it says of the container ID; of any other it
 * says that there is none. Without JSON it takes connections and says nothing. It says "ready", and ends with its input.
 */
#include "caller.h"

#include <poll.h>

static void answer(int fd, const char *id, const char *json) {
  char request[4096];
  ssize_t length = read(fd, request, sizeof request - 1);
  request[length < 0 ? 0 : length] = 0;
  int known = strstr(request, id) != NULL;
  char head[128];
  snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", known ? "200 OK" : "404 Not-Found",
           known ? strlen(json) : 2);
  say(fd, head);
  say(fd, known ? json : "{}");
  close(fd);
}

int main(int argc, char **argv) {
  if (argc != 3 && argc != 4) {
    return 2;
  }
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  int server = check(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  check(bind(server, (struct sockaddr *)&address, sizeof address), argv[1]);
  check(listen(server, 64), "listen");
  tell("ready");
  struct pollfd both[] = {{.fd = server, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
  while (poll(both, 2, -1) > 0 && both[1].revents == 0) {
    int fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0 && argc == 4) {
      answer(fd, argv[2], argv[3]);
    }
  }
  return 0;
}
