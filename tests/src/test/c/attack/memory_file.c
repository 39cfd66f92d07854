/*
 * Executes a program out of memory: memory_file PROGRAM NAME ARGUMENT..., where the memory file has NAME and holds what PROGRAM
 * does. /proc/PID/exe then reads "/memfd:NAME (deleted)".
 */
#include "caller.h"

int main(int argc, char **argv) {
  if (argc < 4) {
    return 2;
  }
  int from = check(open(argv[1], O_RDONLY | O_CLOEXEC), argv[1]);
  int to = check(memfd_create(argv[2], MFD_CLOEXEC), "memfd_create");
  char buffer[1 << 16];
  for (ssize_t count; (count = check(read(from, buffer, sizeof buffer), "read")) > 0;) {
    check(write(to, buffer, count), "write");
  }
  /* A file that is open for writing can't be executed. */
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", to);
  int program = check(open(path, O_RDONLY | O_CLOEXEC), path);
  close(to);
  extern char **environ;
  fexecve(program, argv + 2, environ);
  fail("fexecve");
}
