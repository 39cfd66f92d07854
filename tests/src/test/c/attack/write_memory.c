/*
 * Starts the trusted program, which asks on one connection for each line of its input, and writes another request into its memory
 * before it asks again: write_memory TRUSTED SOCKET REQUEST OTHER-REQUEST, the other no longer than the first. It never traces it.
 */
#include "caller.h"

#include <sys/uio.h>

/* Where the arguments of a process are: fields 48 and 49 of proc(5); the name, field 2, may hold anything. */
static void arguments_of(pid_t pid, unsigned long *start, unsigned long *end) {
  char path[64];
  char line[4096];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL || fgets(line, sizeof line, file) == NULL) {
    fail(path);
  }
  fclose(file);
  char *field = strrchr(line, ')') + 2;
  for (int number = 3; number < 48; number++) {
    field = strchr(field, ' ') + 1;
  }
  *start = strtoul(field, &field, 10);
  *end = strtoul(field, NULL, 10);
}

static void write_into(pid_t pid, const char *from, const char *to) {
  static char arguments[1 << 14];
  unsigned long start, end;
  arguments_of(pid, &start, &end);
  struct iovec here = {arguments, end - start < sizeof arguments ? end - start : sizeof arguments};
  struct iovec there = {(void *)start, here.iov_len};
  if (process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)here.iov_len) {
    fail("process_vm_readv");
  }
  char *found = memmem(arguments, here.iov_len, from, strlen(from) + 1);
  if (found == NULL || strlen(to) > strlen(from)) {
    fail("no such argument");
  }
  struct iovec text = {(void *)to, strlen(to) + 1};
  struct iovec place = {(void *)(start + (found - arguments)), text.iov_len};
  if (process_vm_writev(pid, &text, 1, &place, 1, 0) != (ssize_t)text.iov_len) {
    fail("process_vm_writev");
  }
}

int main(int argc, char **argv) {
  if (argc != 5) {
    return 2;
  }
  int input[2];
  check(pipe2(input, O_CLOEXEC), "pipe2");
  pid_t child = check(fork(), "fork");
  if (child == 0) {
    check(dup2(input[0], STDIN_FILENO), "dup2");
    execl(argv[1], argv[1], "kept", argv[2], argv[3], (char *)NULL);
    fail(argv[1]);
  }
  close(input[0]);
  if (told()) {
    write_into(child, argv[3], argv[4]);
    check(write(input[1], "go\n", 3), "write");
  }
  while (told()) {
  }
  close(input[1]);
  int status;
  check(waitpid(child, &status, 0), "waitpid");
  return WEXITSTATUS(status);
}
