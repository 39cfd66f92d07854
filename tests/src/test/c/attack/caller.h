/*
 * What every program of the attack suite does the same way: it connects, writes a request that it was given, and reports
 * the status of the answer in a line "answer NNN", or "answer 0" where the connection ended without one.
 */
#ifndef CALLER_H
#define CALLER_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(2);
}

static inline int check(int result, const char *what) {
  if (result < 0) {
    fail(what);
  }
  return result;
}

/* The socket's descriptor. flags: SOCK_CLOEXEC or 0, SOCK_NONBLOCK. */
static inline int connect_to(const char *path, int flags) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    fail(path);
  }
  strcpy(address.sun_path, path);
  int fd = check(socket(AF_UNIX, SOCK_STREAM | flags, 0), "socket");
  check(connect(fd, (struct sockaddr *)&address, sizeof address), path);
  return fd;
}

/* Writes all of it; 0 if the other end has closed. */
static inline int say_part(int fd, const char *text, size_t length) {
  while (length > 0) {
    ssize_t count = send(fd, text, length, MSG_NOSIGNAL);
    if (count < 0) {
      return 0;
    }
    text += count;
    length -= count;
  }
  return 1;
}

static inline int say(int fd, const char *text) { return say_part(fd, text, strlen(text)); }

/* Reads one answer whole, and returns its status; 0 if the connection ends before one. */
static inline int hear(int fd) {
  static char answer[1 << 17];
  size_t have = 0;
  for (;;) {
    char *end = memmem(answer, have, "\r\n\r\n", 4);
    if (end != NULL) {
      char *length = memmem(answer, end - answer, "content-length: ", 16);
      size_t whole = end + 4 - answer + (length == NULL ? 0 : strtoul(length + 16, NULL, 10));
      if (have >= whole) {
        int status = 0;
        return sscanf(answer, "HTTP/1.1 %3d", &status) == 1 ? status : 0;
      }
    }
    if (have == sizeof answer) {
      return 0;
    }
    ssize_t count = read(fd, answer + have, sizeof answer - have);
    if (count <= 0) {
      return 0;
    }
    have += count;
  }
}

static inline void tell(const char *line) {
  printf("%s\n", line);
  fflush(stdout);
}

static inline void report(int status) {
  printf("answer %d\n", status);
  fflush(stdout);
}

/* Waits for a line of the test's; 0 when there is none any more, which is the sign to end. */
static inline int told(void) {
  char octet;
  while (read(STDIN_FILENO, &octet, 1) == 1) {
    if (octet == '\n') {
      return 1;
    }
  }
  return 0;
}

/* Sends a descriptor over a socket pair, to whoever takes it out. */
static inline void pass(int over, int fd) {
  char octet = 'x';
  struct iovec part = {&octet, 1};
  union {
    char room[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control = {{0}};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  check(sendmsg(over, &message, 0), "sendmsg");
}

/* The descriptor that was passed. */
static inline int take(int over) {
  char octet;
  struct iovec part = {&octet, 1};
  union {
    char room[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
  check(recvmsg(over, &message, 0), "recvmsg");
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header == NULL) {
    errno = EBADMSG;
    fail("no descriptor came");
  }
  int fd;
  memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

/* All four user and group ids, and no other groups: from root to somebody for good. */
static inline void become(unsigned id) {
  check(syscall(SYS_setgroups, 0, NULL), "setgroups");
  check(syscall(SYS_setresgid, id, id, id), "setresgid");
  check(syscall(SYS_setresuid, id, id, id), "setresuid");
}

/*
 * An honest caller:
 *   ask SOCKET REQUEST    asks once
 *   kept SOCKET REQUEST   asks on one connection for each line of its input, the first without one
 *   stay                  does nothing until its input ends
 *   inherit FD            reads an answer from a descriptor that it was started with
 */
static inline int honest(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  if (strcmp(mode, "ask") == 0 && argc == 4) {
    int fd = connect_to(argv[2], SOCK_CLOEXEC);
    say(fd, argv[3]);
    report(hear(fd));
  } else if (strcmp(mode, "kept") == 0 && argc == 4) {
    int fd = connect_to(argv[2], SOCK_CLOEXEC);
    do {
      report(say(fd, argv[3]) ? hear(fd) : 0);
    } while (told());
  } else if (strcmp(mode, "stay") == 0) {
    tell("ready");
    while (told()) {
    }
  } else if (strcmp(mode, "inherit") == 0 && argc == 3) {
    tell("ready");
    report(hear(atoi(argv[2])));
    while (told()) {
    }
  } else {
    return -1;
  }
  return 0;
}

#endif
