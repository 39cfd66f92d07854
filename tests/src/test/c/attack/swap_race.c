/*
 * A file that is now the trusted program and now another: swap_race PATH TRUSTED STRANGER SOCKET REQUEST ROUNDS.
 *
 * One process renames links to the two over PATH as fast as it can. Meanwhile PATH is executed in each round, and asks. A
 * process that runs the stranger must never be taken for the trusted program, whatever PATH holds when it is looked at. Which one
 * ran is known afterwards by its own file, read where nothing can swap it any more: /proc/PID/exe against the two.
 *
 * It prints how often each ran, and how often each was served.
 */
#include "caller.h"

static void swap_for_ever(const char *path, const char *one, const char *other) {
  char beside[4096];
  snprintf(beside, sizeof beside, "%s.new", path);
  for (;;) {
    check(link(other, beside), "link");
    check(rename(beside, path), "rename");
    check(link(one, beside), "link");
    check(rename(beside, path), "rename");
  }
}

static int same(const char *file, const char *other) {
  struct stat a, b;
  return stat(file, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int main(int argc, char **argv) {
  if (argc != 7) {
    return 2;
  }
  check(link(argv[2], argv[1]), "link");
  pid_t swapper = check(fork(), "fork");
  if (swapper == 0) {
    swap_for_ever(argv[1], argv[2], argv[3]);
  }
  int ran[2] = {0};
  int served[2] = {0};
  for (int round = atoi(argv[6]); round > 0; round--) {
    int out[2];
    int in[2];
    check(pipe2(out, O_CLOEXEC), "pipe2");
    check(pipe2(in, O_CLOEXEC), "pipe2");
    pid_t child = check(fork(), "fork");
    if (child == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      execl(argv[1], argv[1], "kept", argv[4], argv[5], (char *)NULL);
      fail(argv[1]);
    }
    close(out[1]);
    close(in[0]);
    char line[64] = {0};
    int status = 0;
    if (read(out[0], line, sizeof line - 1) > 0) {
      sscanf(line, "answer %d", &status);
    }
    char exe[64];
    snprintf(exe, sizeof exe, "/proc/%d/exe", child);
    int stranger = same(exe, argv[3]);
    if (stranger || same(exe, argv[2])) {
      ran[stranger]++;
      served[stranger] += status >= 200 && status < 300;
    }
    close(in[1]);
    close(out[0]);
    waitpid(child, NULL, 0);
  }
  kill(swapper, SIGKILL);
  waitpid(swapper, NULL, 0);
  printf("trusted ran %d served %d stranger ran %d served %d\n", ran[0], served[0], ran[1], served[1]);
  return 0;
}
