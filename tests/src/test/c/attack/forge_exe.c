/*
 * Makes its /proc/PID/exe show the trusted program (PR_SET_MM_MAP): forge_exe HOW TRUSTED SOCKET REQUEST. It prints what the link
 * reads then, and asks.
 *
 *   none      forges nothing
 *   inside    in a user namespace of its own, where it has the right
 *   shared    a child in such a namespace shares this process's memory and forges for it; this process is in no namespace
 *   mapped    as shared, and maps the trusted program executable as well
 */
#include "caller.h"

static const char *trusted;

/* The kernel exchanges the executable only when nothing of the old one is mapped: puts copies in the place of its mappings. */
static void unmap_executable(void) {
  char own[4096];
  own[check(readlink("/proc/self/exe", own, sizeof own - 1), "exe")] = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  if (maps == NULL) {
    fail("maps");
  }
  struct range {
    unsigned long from, to;
    int rights;
  } ranges[32];
  int count = 0;
  char line[8192];
  while (fgets(line, sizeof line, maps) != NULL && count < 32) {
    unsigned long from, to;
    char rights[5], path[4096] = "";
    if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %4095[^\n]", &from, &to, rights, path) >= 3 && strcmp(path, own) == 0) {
      ranges[count++] = (struct range){from, to,
                                       (rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0) |
                                           (rights[2] == 'x' ? PROT_EXEC : 0)};
    }
  }
  fclose(maps);
  for (int i = 0; i < count; i++) {
    size_t length = ranges[i].to - ranges[i].from;
    void *copy = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(copy, (void *)ranges[i].from, length);
    mprotect(copy, length, ranges[i].rights);
    if (mremap(copy, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)ranges[i].from) == MAP_FAILED) {
      fail("mremap");
    }
  }
}

/* Field N of /proc/self/stat, proc(5). */
static unsigned long long stat_field(int wanted) {
  char line[4096];
  FILE *file = fopen("/proc/self/stat", "r");
  if (file == NULL || fgets(line, sizeof line, file) == NULL) {
    fail("stat");
  }
  fclose(file);
  char *field = strrchr(line, ')') + 2;
  for (int number = 3; number < wanted; number++) {
    field = strchr(field, ' ') + 1;
  }
  return strtoull(field, NULL, 10);
}

static void forge(unsigned long long *fields) {
  struct prctl_mm_map map = {
      .start_code = fields[0],
      .end_code = fields[1],
      .start_stack = fields[2],
      .start_data = fields[3],
      .end_data = fields[4],
      .start_brk = fields[5],
      .brk = (unsigned long)sbrk(0),
      .arg_start = fields[6],
      .arg_end = fields[7],
      .env_start = fields[8],
      .env_end = fields[9],
      .exe_fd = check(open(trusted, O_RDONLY | O_CLOEXEC), trusted),
  };
  check(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0), "PR_SET_MM_MAP");
}

static int in_namespace(void *fields) {
  forge(fields);
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    return 2;
  }
  const char *how = argv[1];
  trusted = argv[2];
  int numbers[] = {26, 27, 28, 45, 46, 47, 48, 49, 50, 51};
  unsigned long long fields[10];
  for (int i = 0; i < 10; i++) {
    fields[i] = stat_field(numbers[i]);
  }
  if (strcmp(how, "none") != 0) {
    unmap_executable();
  }
  if (strcmp(how, "inside") == 0) {
    check(unshare(CLONE_NEWUSER), "unshare");
    forge(fields);
  } else if (strcmp(how, "none") != 0) {
    static char stack[1 << 16] __attribute__((aligned(64)));
    pid_t child = check(clone(in_namespace, stack + sizeof stack, CLONE_VM | CLONE_NEWUSER | SIGCHLD, fields), "clone");
    int status;
    waitpid(child, &status, 0);
    if (status != 0) {
      return 2;
    }
  }
  if (strcmp(how, "mapped") == 0) {
    int file = check(open(trusted, O_RDONLY | O_CLOEXEC), trusted);
    if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) == MAP_FAILED) {
      fail("mmap");
    }
  }
  char shown[4096];
  shown[check(readlink("/proc/self/exe", shown, sizeof shown - 1), "exe")] = 0;
  printf("exe %s\n", shown);
  int fd = connect_to(argv[3], SOCK_CLOEXEC);
  say(fd, argv[4]);
  report(hear(fd));
  return 0;
}
