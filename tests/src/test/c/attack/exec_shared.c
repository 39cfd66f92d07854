/*
 * Preloaded into an interpreter: connects, is looked at, writes a request, leaves the socket with a child, and executes the same
 * interpreter with another script. Meanwhile another process shares the memory that it had ("shared"), or nobody does ("alone").
 * Arguments and environment are as long as before, so that the kernel puts everything in the same place if it doesn't choose at
 * random: it is to be started with a script of its own whose name is as long as the other's.
 *
 *   ATTACK="TRICK SOCKET SCRIPT", REQUEST
 */
#include "caller.h"

#include <stdatomic.h>

static const char BUNDLE[] = "GET /v1/trust-bundle HTTP/1.1\r\nHost: localhost\r\n\r\n";

static int alive[2];
static atomic_int sharing;

/* Lives as long as the process whose memory it shares. */
static int share(void *unused) {
  (void)unused;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  close(alive[1]);
  close(STDOUT_FILENO);
  atomic_store(&sharing, 1);
  while (pause() != 0) {
  }
  return 0;
}

__attribute__((constructor)) static void attack(int argc, char **argv, char **envp) {
  char *words = getenv("ATTACK");
  if (words == NULL || argc != 2) {
    return;
  }
  char trick[16];
  char socket_path[256];
  char script[256];
  if (sscanf(words, "%15s %255s %255s", trick, socket_path, script) != 3) {
    exit(2);
  }
  int fd = connect_to(socket_path, SOCK_CLOEXEC);
  say(fd, BUNDLE);
  printf("first %d\n", hear(fd));
  fflush(stdout);
  if (!told()) {
    exit(2);
  }
  check(pipe2(alive, O_CLOEXEC), "pipe2");
  say(fd, getenv("REQUEST"));
  if (check(fork(), "fork") == 0) {
    char octet;
    close(alive[1]);
    while (read(alive[0], &octet, 1) > 0) {
    }
    tell("ready");
    report(hear(fd));
    _exit(0);
  }
  if (strcmp(trick, "shared") == 0) {
    static char stack[65536] __attribute__((aligned(16)));
    check(clone(share, stack + sizeof stack, CLONE_VM, NULL), "clone");
    while (!atomic_load(&sharing)) {
    }
  }
  char self[256] = "";
  check((int)readlink("/proc/self/exe", self, sizeof self - 1), "readlink");
  for (char **variable = envp; *variable != NULL; variable++) {
    /* None of them means anything by that name. */
    **variable = '_';
  }
  argv[1] = script;
  execve(self, argv, envp);
  fail("execve");
}
