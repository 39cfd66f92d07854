/*
 * A process that connects, and then is not what it was or not alone. Each trick: TRICK SOCKET REQUEST [TRUSTED].
 *
 *   exec-child   writes, leaves the socket with a child, executes the trusted program; the child reads
 *   exec-alone   writes, executes the trusted program, which gets the socket as well and reads
 *   exec-parked  writes, leaves the socket in the queue of a socket pair where nobody holds it, executes the trusted
 *                program; a child takes it out, on the test's word, and reads
 *   fork         writes, forks; the child reads while the parent lives
 *   orphan       writes, forks, ends; the child reads
 *   plain        the same without a trick
 *
 * A trick first has an answer to a request for the trust bundle where its name begins with "late-": by then it has been looked
 * at. It says "ready" when there is nothing left to do but to read.
 */
#include "caller.h"

static const char BUNDLE[] = "GET /v1/trust-bundle HTTP/1.1\r\nHost: localhost\r\n\r\n";

/* Ends when the parent has executed something or ended: this end of the pipe closes by itself. */
static void await_end_of(int pipe_end) {
  char octet;
  while (read(pipe_end, &octet, 1) > 0) {
  }
}

static void run_trusted(const char *trusted, int inherited) {
  char number[16];
  snprintf(number, sizeof number, "%d", inherited);
  if (inherited >= 0) {
    execl(trusted, trusted, "inherit", number, (char *)NULL);
  } else {
    /* Its "ready" is not the trick's. */
    int out = check(open("/dev/null", O_WRONLY | O_CLOEXEC), "/dev/null");
    check(dup2(out, STDOUT_FILENO), "dup2");
    execl(trusted, trusted, "stay", (char *)NULL);
  }
  fail(trusted);
}

static void child_reads(int fd, int parent_alive) {
  await_end_of(parent_alive);
  tell("ready");
  report(hear(fd));
  _exit(0);
}

static void exec_parked(int fd, const char *trusted, int alive[2]) {
  int pair[2];
  int end[2];
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
  check(pipe2(end, O_CLOEXEC), "pipe2");
  pid_t child = check(fork(), "fork");
  if (child == 0) {
    close(fd);
    close(alive[1]);
    close(pair[0]);
    close(end[0]);
    await_end_of(alive[0]);
    tell("ready");
    told();
    report(hear(take(pair[1])));
    _exit(0);
  }
  pass(pair[0], fd);
  close(fd);
  /* The child alone gets the test's words; the program's input ends with the child. */
  check(dup2(end[0], STDIN_FILENO), "dup2");
  run_trusted(trusted, -1);
}

static void forked(const char *trick, int fd, const char *trusted, int alive[2]) {
  if (check(fork(), "fork") == 0) {
    close(alive[1]);
    if (strcmp(trick, "fork") == 0) {
      tell("ready");
      report(hear(fd));
      _exit(0);
    }
    child_reads(fd, alive[0]);
  }
  if (strcmp(trick, "orphan") == 0) {
    _exit(0);
  } else if (strcmp(trick, "fork") == 0) {
    wait(NULL);
  } else {
    close(fd);
    run_trusted(trusted, -1);
  }
}

int main(int argc, char **argv) {
  if (argc < 4) {
    return 2;
  }
  const char *trick = argv[1];
  const char *trusted = argc > 4 ? argv[4] : "";
  int fd = connect_to(argv[2], 0);
  if (strncmp(trick, "late-", 5) == 0) {
    trick += 5;
    say(fd, BUNDLE);
    printf("first %d\n", hear(fd));
    fflush(stdout);
    if (!told()) {
      return 2;
    }
  }
  int alive[2];
  check(pipe2(alive, O_CLOEXEC), "pipe2");
  say(fd, argv[3]);
  if (strcmp(trick, "exec-alone") == 0) {
    run_trusted(trusted, fd);
  } else if (strcmp(trick, "exec-parked") == 0) {
    exec_parked(fd, trusted, alive);
  } else if (strcmp(trick, "plain") == 0) {
    tell("ready");
    report(hear(fd));
  } else {
    forked(trick, fd, trusted, alive);
  }
  return 0;
}
