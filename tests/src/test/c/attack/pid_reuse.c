/*
 * The race for a process id: pid_reuse SOCKET REQUEST ROUNDS GATEWAY MODULE OTHER TRUSTED, as root.
 *
 * In each round a process connects, writes a request and ends; the next process that gets its id is the module, running the
 * trusted program. Whoever held on to the socket reads the answer. An attacker would cycle through all ids until that happens;
 * root asks the kernel for the id (clone3 with set_tid), which is quicker and never misses.
 *
 * Four rounds attack as another user, the next four as the module's own with another program, and so on. In every fourth round the gateway
 * is stopped from before the connect until the id is used again, so that it has seen nothing of the first process. In the others
 * that one ends at another moment of the answer each time. In every tenth round the module, with that same id, asks itself.
 *
 * It prints how often the id was used again, and what the attacks and the module got.
 */
#include "caller.h"

#include <linux/sched.h>
#include <sys/time.h>
#include <time.h>

struct deed {
  const char *socket;
  const char *request;
  const char *trusted;
  unsigned module;
  pid_t gateway;
};

static void spin(long micros) {
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while ((now.tv_sec - start.tv_sec) * 1000000L + (now.tv_nsec - start.tv_nsec) / 1000 < micros);
}

/* Connects the socket that it got from its parent: the connection is this process's. */
static void connect_and_end(const struct deed *deed, int fd, unsigned uid, long micros) {
  become(uid);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, deed->socket, sizeof address.sun_path - 1);
  check(connect(fd, (struct sockaddr *)&address, sizeof address), "connect");
  say(fd, deed->request);
  spin(micros);
  _exit(0);
}

/* Starts the module with that process id, and returns when it runs the trusted program; out gets its standard output. */
static pid_t module_with(const struct deed *deed, pid_t pid, const char *mode, int out) {
  int running[2];
  check(pipe2(running, O_CLOEXEC), "pipe2");
  pid_t wanted[] = {pid};
  struct clone_args how = {.exit_signal = SIGCHLD, .set_tid = (unsigned long)wanted, .set_tid_size = 1};
  pid_t child = syscall(SYS_clone3, &how, sizeof how);
  if (child == 0) {
    become(deed->module);
    check(dup2(out, STDOUT_FILENO), "dup2");
    execl(deed->trusted, deed->trusted, mode, deed->socket, deed->request, (char *)NULL);
    fail(deed->trusted);
  }
  close(running[1]);
  char octet;
  while (read(running[0], &octet, 1) > 0) {
  }
  close(running[0]);
  return child;
}

static int ask_as_module(const struct deed *deed, pid_t pid) {
  int out[2];
  check(pipe2(out, O_CLOEXEC), "pipe2");
  pid_t module = module_with(deed, pid, "ask", out[1]);
  close(out[1]);
  int status = 0;
  if (module == pid) {
    char line[64] = {0};
    for (size_t have = 0; have < sizeof line - 1;) {
      ssize_t count = read(out[0], line + have, sizeof line - 1 - have);
      if (count <= 0) {
        break;
      }
      have += count;
    }
    sscanf(line, "answer %d", &status);
    waitpid(module, NULL, 0);
  }
  close(out[0]);
  return status;
}

int main(int argc, char **argv) {
  if (argc != 8) {
    return 2;
  }
  struct deed deed = {.socket = argv[1], .request = argv[2], .gateway = atoi(argv[4]), .module = atoi(argv[5]), .trusted = argv[7]};
  int rounds = atoi(argv[3]);
  unsigned other = atoi(argv[6]);
  int nothing = check(open("/dev/null", O_RDWR | O_CLOEXEC), "/dev/null");
  int reused = 0, granted = 0, refused = 0, silent = 0, asked = 0, served = 0;
  struct timeval patience = {.tv_sec = 20};
  for (int round = 0; round < rounds; round++) {
    int stopped = round % 4 == 0;
    int fd = check(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    check(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), "SO_RCVTIMEO");
    if (stopped) {
      check(kill(deed.gateway, SIGSTOP), "stop");
    }
    pid_t first = check(fork(), "fork");
    if (first == 0) {
      connect_and_end(&deed, fd, round % 8 < 4 ? other : deed.module, stopped ? 0 : round % 50 * 40);
    }
    check(waitpid(first, NULL, 0), "wait");
    pid_t second = module_with(&deed, first, "stay", nothing);
    if (stopped) {
      check(kill(deed.gateway, SIGCONT), "continue");
    }
    reused += second == first;
    int status = hear(fd);
    granted += status >= 200 && status < 300;
    refused += status >= 400;
    silent += status == 0;
    close(fd);
    if (second > 0) {
      kill(second, SIGKILL);
      waitpid(second, NULL, 0);
    }
    if (round % 10 == 0) {
      asked++;
      served += ask_as_module(&deed, first) == 201;
    }
  }
  printf("rounds %d reused %d granted %d refused %d silent %d asked %d served %d\n", rounds, reused, granted, refused, silent,
         asked, served);
  return 0;
}
