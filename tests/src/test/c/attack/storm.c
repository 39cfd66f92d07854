/*
 * Keeps a number of connections busy, each with one request after the other: storm SOCKET REQUEST COUNT. It prints how many
 * were answered once each connection had an answer, then again for each line that it is told, and ends with its input.
 */
#include "caller.h"

#include <poll.h>

enum { MOST = 256, ROOM = 64 * 1024 };

struct line {
  char text[ROOM];
  size_t length;
  int answered;
};

static struct line lines[MOST];

/* Whether there is a whole answer; its status is counted. */
static int whole(struct line *line, long *refused) {
  line->text[line->length] = 0;
  char *body = strstr(line->text, "\r\n\r\n");
  char *length = strcasestr(line->text, "\r\ncontent-length:");
  if (!body || !length || length > body) {
    return 0;
  }
  size_t end = body + 4 - line->text + strtoul(length + 17, NULL, 10);
  if (line->length < end) {
    return 0;
  }
  if (strncmp(line->text, "HTTP/1.1 2", 10) != 0) {
    ++*refused;
  }
  line->length = 0;
  return 1;
}

int main(int argc, char **argv) {
  int count = argc == 4 ? atoi(argv[3]) : 0;
  if (count < 1 || count > MOST) {
    return 2;
  }
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  struct pollfd polls[MOST + 1] = {{.fd = 0, .events = POLLIN}};
  for (int i = 1; i <= count; i++) {
    polls[i].fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    polls[i].events = POLLIN;
    check(connect(polls[i].fd, (struct sockaddr *)&address, sizeof address), "connect");
    say(polls[i].fd, argv[2]);
  }
  long answered = 0;
  long refused = 0;
  int begun = 0;
  for (;;) {
    check(poll(polls, count + 1, -1), "poll");
    if (polls[0].revents) {
      char told[16];
      if (read(0, told, sizeof told) <= 0) {
        return 0;
      }
      printf("answered %ld\nrefused %ld\n", answered, refused);
      fflush(stdout);
    }
    for (int i = 1; i <= count; i++) {
      struct line *line = &lines[i - 1];
      if (!polls[i].revents) {
        continue;
      }
      ssize_t got = read(polls[i].fd, line->text + line->length, ROOM - 1 - line->length);
      if (got <= 0) {
        fprintf(stderr, "a connection ended\n");
        return 1;
      }
      line->length += got;
      if (whole(line, &refused)) {
        answered++;
        if (!line->answered) {
          line->answered = 1;
          if (++begun == count) {
            printf("answered %ld\n", answered);
            fflush(stdout);
          }
        }
        say(polls[i].fd, argv[2]);
      }
    }
  }
}
