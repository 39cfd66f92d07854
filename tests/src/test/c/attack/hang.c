/*
 * Processes that connect and then hang, so that whoever looks at them hangs as well: hang WHAT FOLDER SOCKET REQUEST COUNT, as any user.
 *
 * In a user namespace of its own it mounts a file system in user space (FUSE) on FOLDER, which leaves some things unanswered.
 *
 *   exec   The process executes another program while it has a file there open, close-on-exec. The kernel closes the file while
 *          it holds what guards an exec, and waits for the file system to be told. Whoever opens /proc/PID/maps waits as well.
 *   map    The process asks once, and is answered. Then one thread maps a file there, of which another process reads a page all
 *          the time: the kernel waits for that page while it holds the map of the address space, and whoever reads
 *          /proc/PID/maps waits as well. Another thread asks again.
 *
 * It says "hanging COUNT" when all are there, and then, for each of them, the answer to what was asked last. All ends with its input.
 */
#include "caller.h"

#include <linux/fuse.h>
#include <pthread.h>
#include <sys/mount.h>

#define PAGE 4096
#define MOST 256

/* Nodes of the file system. */
enum { ROOT = 1, FILE_NODE = 2 };

static void write_file(const char *path, const char *text) {
  int fd = check(open(path, O_WRONLY | O_CLOEXEC), path);
  check(write(fd, text, strlen(text)), path);
  close(fd);
}

static void own_namespaces(void) {
  char map[64];
  unsigned uid = getuid(), gid = getgid();
  check(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
  snprintf(map, sizeof map, "0 %u 1", uid);
  write_file("/proc/self/uid_map", map);
  write_file("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "0 %u 1", gid);
  write_file("/proc/self/gid_map", map);
}

static void reply(int fuse, const struct fuse_in_header *in, int error, const void *body, size_t length) {
  char buffer[512];
  struct fuse_out_header out = {.len = sizeof out + length, .error = error, .unique = in->unique};
  memcpy(buffer, &out, sizeof out);
  memcpy(buffer + sizeof out, body, length);
  if (write(fuse, buffer, out.len) < 0 && errno != ENOENT) {
    fail("reply");
  }
}

static struct fuse_attr attributes(unsigned long node) {
  return (struct fuse_attr){
      .ino = node, .size = PAGE, .mode = node == ROOT ? S_IFDIR | 0755 : S_IFREG | 0644, .nlink = 1, .blksize = PAGE};
}

/* A folder with one file, which can be opened, and answers nothing when it is read or closed. Who opens it for writing as well gets
 * it uncached. */
static void serve(int fuse, int asked_to_read) {
  static char buffer[1 << 17];
  while (read(fuse, buffer, sizeof buffer) > 0) {
    const struct fuse_in_header *in = (const struct fuse_in_header *)buffer;
    struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = PAGE};
    struct fuse_entry_out entry = {.nodeid = FILE_NODE, .attr_valid = 3600, .entry_valid = 3600, .attr = attributes(FILE_NODE)};
    struct fuse_attr_out attr = {.attr_valid = 3600, .attr = attributes(in->nodeid)};
    const struct fuse_open_in *open = (const struct fuse_open_in *)(in + 1);
    struct fuse_open_out opened = {.fh = 1};
    switch (in->opcode) {
      case FUSE_INIT:
        reply(fuse, in, 0, &init, sizeof init);
        break;
      case FUSE_LOOKUP:
        reply(fuse, in, 0, &entry, sizeof entry);
        break;
      case FUSE_GETATTR:
        reply(fuse, in, 0, &attr, sizeof attr);
        break;
      case FUSE_OPEN:
        opened.open_flags = FOPEN_KEEP_CACHE | ((open->flags & O_ACCMODE) == O_RDWR ? FOPEN_DIRECT_IO : 0);
        reply(fuse, in, 0, &opened, sizeof opened);
        break;
      case FUSE_READ:
        check(write(asked_to_read, "r", 1), "write");
        break;
      case FUSE_FLUSH:
      case FUSE_INTERRUPT:
      case FUSE_FORGET:
        break;
      default:
        reply(fuse, in, -ENOSYS, NULL, 0);
    }
  }
}

/* Waits until a thread waits for something that no signal ends. */
static void until_it_waits(const char *stat) {
  char text[512];
  for (;;) {
    int fd = open(stat, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    close(fd);
    if (length > 0) {
      text[length] = 0;
      char *state = strrchr(text, ')');
      if (state != NULL && state[2] == 'D') {
        return;
      }
    }
    sched_yield();
  }
}

static void hang_in_exec(int to_parent, const char *file, const char *socket, const char *request) {
  check(open(file, O_RDONLY | O_CLOEXEC), file);
  int fd = connect_to(socket, SOCK_CLOEXEC);
  say(fd, request);
  pass(to_parent, fd);
  execl("/bin/true", "true", (char *)NULL);
  fail("exec");
}

static volatile pid_t mapper;

static void *map(void *file) {
  int fd = check(open(file, O_RDWR | O_CLOEXEC), file);
  char *lowest = mmap((void *)0x10000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (lowest == MAP_FAILED) {
    fail("mmap");
  }
  mapper = syscall(SYS_gettid);
  mmap(lowest, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
  return NULL;
}

static void hang_in_map(int to_parent, char *file, const char *socket, const char *request) {
  char stat[64];
  pthread_t thread;
  int fd = connect_to(socket, SOCK_CLOEXEC);
  say(fd, request);
  /* Whatever it says: the service has looked, and holds what it read. */
  hear(fd);
  errno = pthread_create(&thread, NULL, map, file);
  if (errno != 0) {
    fail("pthread_create");
  }
  while (mapper == 0) {
    sched_yield();
  }
  snprintf(stat, sizeof stat, "/proc/self/task/%d/stat", mapper);
  until_it_waits(stat);
  say(fd, request);
  pass(to_parent, fd);
  for (;;) {
    pause();
  }
}

int main(int argc, char **argv) {
  if (argc != 6) {
    return 2;
  }
  int mapping = strcmp(argv[1], "map") == 0;
  int count = atoi(argv[5]);
  char file[4096];
  int asked[MOST];
  pid_t hanging[MOST];
  if (count > MOST || (!mapping && strcmp(argv[1], "exec") != 0)) {
    return 2;
  }
  snprintf(file, sizeof file, "%s/file", argv[2]);
  own_namespaces();
  int fuse = check(open("/dev/fuse", O_RDWR | O_CLOEXEC), "/dev/fuse");
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
  check(mount("fuse", argv[2], "fuse", MS_NOSUID | MS_NODEV, options), "mount");
  int reading[2];
  check(pipe2(reading, O_CLOEXEC), "pipe2");
  pid_t server = check(fork(), "fork");
  if (server == 0) {
    serve(fuse, reading[1]);
    _exit(0);
  }
  close(fuse);
  char octet;
  if (mapping && check(fork(), "fork") == 0) {
    _exit(read(check(open(file, O_RDONLY | O_CLOEXEC), file), &octet, 1) < 0);
  } else if (mapping) {
    check(read(reading[0], &octet, 1), "read");
  }
  int pair[2];
  check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "socketpair");
  for (int i = 0; i < count; i++) {
    hanging[i] = check(fork(), "fork");
    if (hanging[i] == 0) {
      if (mapping) {
        hang_in_map(pair[1], file, argv[3], argv[4]);
      } else {
        hang_in_exec(pair[1], file, argv[3], argv[4]);
      }
    }
    asked[i] = take(pair[0]);
  }
  printf("hanging %d\n", count);
  fflush(stdout);
  for (int i = 0; i < count; i++) {
    report(hear(asked[i]));
  }
  while (told()) {
  }
  /* The file system ends with its server, and with it every wait for it. */
  kill(server, SIGKILL);
  for (int i = 0; i < count; i++) {
    kill(hanging[i], SIGKILL);
  }
  while (wait(NULL) > 0) {
  }
  return 0;
}
