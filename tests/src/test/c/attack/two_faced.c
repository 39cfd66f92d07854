/*
 * A file system in user space (FUSE) with one file, "program", of two contents: two_faced UID FOLDER RUN SHOWN.
 *
 * Whoever opens it as root is shown what is in the file SHOWN; everybody else gets, and runs, what is in RUN. Both must be of one size.
 * It is mounted on FOLDER for that user, who answers for it: in a user namespace of the user's own, where UID is 0, for himself; or as
 * root's helper for such file systems mounts it on the host, for everybody.
 *
 * It says "ready", and ends with its input; the mount ends with it.
 */
#include "caller.h"

#include <linux/fuse.h>
#include <sys/mount.h>
#include <sys/uio.h>

enum { ROOT = 1, FILE_NODE = 2 };
enum { RUN = 0, SHOWN = 1 };

static const char *content[2];
static size_t size;

static const char *whole(const char *path) {
  struct stat facts;
  int fd = check(open(path, O_RDONLY | O_CLOEXEC), path);
  check(fstat(fd, &facts), path);
  if (size != 0 && size != (size_t)facts.st_size) {
    errno = EINVAL;
    fail(path);
  }
  size = facts.st_size;
  const char *octets = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (octets == MAP_FAILED) {
    fail(path);
  }
  close(fd);
  return octets;
}

static void reply(int fuse, const struct fuse_in_header *in, int error, const void *body, size_t length) {
  struct fuse_out_header out = {.len = sizeof out + length, .error = error, .unique = in->unique};
  struct iovec parts[] = {{&out, sizeof out}, {(void *)body, length}};
  if (writev(fuse, parts, length == 0 ? 1 : 2) < 0 && errno != ENOENT) {
    fail("reply");
  }
}

static struct fuse_attr attributes(unsigned long node) {
  return (struct fuse_attr){.ino = node,
                            .size = node == ROOT ? 0 : size,
                            .blocks = size / 512,
                            .mode = node == ROOT ? S_IFDIR | 0755 : S_IFREG | 0755,
                            .nlink = 1,
                            .blksize = 4096};
}

static void serve(int fuse) {
  static char buffer[1 << 17];
  while (read(fuse, buffer, sizeof buffer) > 0) {
    const struct fuse_in_header *in = (const struct fuse_in_header *)buffer;
    struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = 4096};
    struct fuse_entry_out entry = {.nodeid = FILE_NODE, .attr_valid = 3600, .entry_valid = 3600, .attr = attributes(FILE_NODE)};
    struct fuse_attr_out attr = {.attr_valid = 3600, .attr = attributes(in->nodeid)};
    struct fuse_statfs_out statfs = {.st = {.bsize = 4096, .frsize = 4096, .namelen = 255}};
    const struct fuse_read_in *asked = (const struct fuse_read_in *)(in + 1);
    struct fuse_open_out opened = {.fh = in->uid == 0 ? SHOWN : RUN};
    switch (in->opcode) {
      case FUSE_INIT:
        reply(fuse, in, 0, &init, sizeof init);
        break;
      case FUSE_LOOKUP:
        reply(fuse, in, strcmp((const char *)(in + 1), "program") == 0 ? 0 : -ENOENT, &entry, sizeof entry);
        break;
      case FUSE_GETATTR:
        reply(fuse, in, 0, &attr, sizeof attr);
        break;
      case FUSE_STATFS:
        reply(fuse, in, 0, &statfs, sizeof statfs);
        break;
      case FUSE_OPEN:
        opened.open_flags = opened.fh == SHOWN ? FOPEN_DIRECT_IO : FOPEN_KEEP_CACHE;
        reply(fuse, in, 0, &opened, sizeof opened);
        break;
      case FUSE_READ: {
        size_t left = asked->offset < size ? size - asked->offset : 0;
        reply(fuse, in, 0, content[asked->fh == SHOWN] + asked->offset, left < asked->size ? left : asked->size);
        break;
      }
      case FUSE_INTERRUPT:
      case FUSE_FORGET:
      case FUSE_BATCH_FORGET:
        break;
      default:
        reply(fuse, in, -ENOSYS, NULL, 0);
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 5) {
    return 2;
  }
  unsigned uid = atoi(argv[1]);
  content[RUN] = whole(argv[3]);
  content[SHOWN] = whole(argv[4]);
  int fuse = check(open("/dev/fuse", O_RDWR | O_CLOEXEC), "/dev/fuse");
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%u,group_id=%u%s", fuse, uid, uid, uid == 0 ? "" : ",allow_other");
  check(mount("fuse", argv[2], "fuse", MS_NOSUID | MS_NODEV, options), "mount");
  pid_t server = check(fork(), "fork");
  if (server == 0) {
    if (uid != 0) {
      become(uid);
    }
    serve(fuse);
    _exit(0);
  }
  close(fuse);
  tell("ready");
  while (told()) {
  }
  umount2(argv[2], MNT_DETACH);
  kill(server, SIGKILL);
  waitpid(server, NULL, 0);
  return 0;
}
