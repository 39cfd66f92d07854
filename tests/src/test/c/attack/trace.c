/*
 * Starts the trusted program under ptrace: trace HOW TRUSTED SOCKET REQUEST.
 *
 *   untraced   starts it and waits, no more
 *   attached   it asks while it is traced
 *   detached   it is started to do nothing; the tracer turns its first argument into "ask" and lets it go: code and data of
 *              a program are its user's
 */
#include "caller.h"

#include <sys/ptrace.h>

/* Turns the argument "stay" of a stopped process into "ask". */
static void change_argument(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  char line[4096];
  if (file == NULL || fgets(line, sizeof line, file) == NULL) {
    fail(path);
  }
  fclose(file);
  /* Field 48, where the arguments start, of proc(5); the name, field 2, may hold anything. */
  char *field = strrchr(line, ')') + 2;
  for (int number = 3; number < 48; number++) {
    field = strchr(field, ' ') + 1;
  }
  unsigned long at = strtoul(field, NULL, 10);
  snprintf(path, sizeof path, "/proc/%d/mem", pid);
  int memory = check(open(path, O_RDWR), path);
  char arguments[512];
  ssize_t length = check(pread(memory, arguments, sizeof arguments, at), "pread");
  char *stay = memmem(arguments, length, "\0stay", 6);
  if (stay == NULL || pwrite(memory, "ask", 4, at + (stay + 1 - arguments)) != 4) {
    fail("no argument to change");
  }
  close(memory);
}

int main(int argc, char **argv) {
  if (argc != 5) {
    return 2;
  }
  const char *how = argv[1];
  int traced = strcmp(how, "untraced") != 0;
  int detach = strcmp(how, "detached") == 0;
  pid_t child = check(fork(), "fork");
  if (child == 0) {
    if (traced) {
      check(ptrace(PTRACE_TRACEME, 0, 0, 0), "ptrace");
    }
    execl(argv[2], argv[2], detach ? "stay" : "ask", argv[3], argv[4], (char *)NULL);
    fail(argv[2]);
  }
  int status;
  while (waitpid(child, &status, 0) == child && !WIFEXITED(status)) {
    if (WIFSIGNALED(status)) {
      return 2;
    }
    if (detach) {
      change_argument(child);
      check(ptrace(PTRACE_DETACH, child, 0, 0), "detach");
    } else {
      check(ptrace(PTRACE_CONT, child, 0, 0), "continue");
    }
  }
  return WEXITSTATUS(status);
}
