/*
 * One process connects and another writes on that connection: foreign_writer PART SOCKET REQUEST OWNER WRITER, as root, which
 * becomes OWNER to connect; the other process gets the socket by SCM_RIGHTS and is WRITER.
 *
 *   none      the owner writes all of it itself
 *   all       the other writes all of it
 *   end       the owner writes the first half of the head, the other the rest
 *   start     the other writes the first half of the head, the owner the rest
 *   body      the owner writes the head, the other the body
 *   octet     the owner writes all but the last octet, which is the other's
 *   urgent    the other writes all of it as a message that ends with an octet of urgent data
 *   second    the owner asks once, and the other asks again on the same connection
 *
 * The owner reports the answer, or the last of two.
 */
#include "caller.h"

static void as_other(int over, unsigned writer, const char *text, size_t length, int flags) {
  pid_t child = check(fork(), "fork");
  if (child == 0) {
    become(writer);
    int fd = take(over);
    if (send(fd, text, length, MSG_NOSIGNAL | flags) != (ssize_t)length) {
      _exit(1);
    }
    _exit(0);
  }
}

int main(int argc, char **argv) {
  if (argc != 6) {
    return 2;
  }
  const char *part = argv[1];
  const char *request = argv[3];
  size_t length = strlen(request);
  size_t half = strstr(request, "Host:") - request;
  size_t head = strstr(request, "\r\n\r\n") + 4 - request;
  int pair[2];
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
  size_t from = length;
  size_t to = length;
  int flags = 0;
  if (strcmp(part, "all") == 0 || strcmp(part, "second") == 0) {
    from = 0;
  } else if (strcmp(part, "end") == 0) {
    from = half;
  } else if (strcmp(part, "start") == 0) {
    from = 0;
    to = half;
  } else if (strcmp(part, "body") == 0) {
    from = head;
  } else if (strcmp(part, "octet") == 0) {
    from = length - 1;
  } else if (strcmp(part, "urgent") == 0) {
    /* The NUL at its end is the urgent octet, which no ordinary read returns. */
    from = 0;
    to = length + 1;
    flags = MSG_OOB;
  } else if (strcmp(part, "none") != 0) {
    return 2;
  }
  /* The other is there, and waits for the socket, before the owner is nobody who may make it another. */
  if (from < to) {
    as_other(pair[1], atoi(argv[5]), request + from, to - from, flags);
  }
  become(atoi(argv[4]));
  int fd = connect_to(argv[2], SOCK_CLOEXEC);
  if (strcmp(part, "second") == 0) {
    say(fd, request);
    printf("first %d\n", hear(fd));
  } else if (from > 0) {
    say_part(fd, request, from);
  }
  if (from < to) {
    int status;
    pass(pair[0], fd);
    check(wait(&status), "wait");
    printf("written %d\n", WEXITSTATUS(status) == 0);
    fflush(stdout);
  }
  if (to < length) {
    say_part(fd, request + to, length - to);
  }
  shutdown(fd, SHUT_WR);
  report(hear(fd));
  return 0;
}
