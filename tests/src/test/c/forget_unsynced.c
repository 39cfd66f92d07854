/*
 * forget_unsynced: a preload library that remembers what a power cut would have left.
 *
 * kill -9 proves little about a power cut: the kernel still writes what the process had written. This
 * library keeps, beside a folder tree (FORGET_UNSYNCED_ROOT), a shadow of it (FORGET_UNSYNCED_SHADOW)
 * that holds only what was synced. After the process was killed, DurableShadow.java puts the shadow in
 * the tree's place, and the program must start from that.
 *
 * The model, which is stricter than ext4, XFS and btrfs are:
 *  - the content of a file is what it was at its last fsync or fdatasync (or write, if it was opened with
 *    O_SYNC or O_DSYNC); a file that was never synced is empty;
 *  - a name (made, renamed, removed, a new folder) is there, or gone, only since its folder was synced;
 *  - mmap alone, msync, sync, syncfs and sync_file_range make nothing durable;
 *  - mode and owner are those of the last sync of the folder.
 * A kill in the middle of a sync leaves a part of it, as a power cut would.
 *
 * The tree as it was before the first write counts as durable. One process writes below the root: a
 * second one is stopped with exit status 86, as is everything that would make the shadow a lie. Files
 * written by C's stdio, splice or io_uring are not seen; nothing here uses those.
 *
 * Build: gcc -O2 -shared -fPIC -o libforget_unsynced.so forget_unsynced.c
 */
#define _GNU_SOURCE
#include "durable_shadow.h"

static bool may_write(int flags) {
  return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
}

static int open_at(__typeof__(openat) *real, int dir, const char *path, int flags, mode_t mode) {
  bool ours = may_write(flags) && (flags & O_PATH) == 0 && changes(dir, path);
  int saved = errno;
  int fd = real(dir, path, flags, mode);
  if (fd >= 0) {
    opened(fd, flags, ours);
    errno = saved;
  }
  return fd;
}

#define MODE_OF(flags)                                       \
  ({                                                         \
    mode_t mode_ = 0;                                        \
    if (((flags)&O_CREAT) || ((flags)&O_TMPFILE) == O_TMPFILE) { \
      va_list rest_;                                         \
      va_start(rest_, flags);                                \
      mode_ = va_arg(rest_, mode_t);                         \
      va_end(rest_);                                         \
    }                                                        \
    mode_;                                                   \
  })

EXPORT int open(const char *path, int flags, ...) {
  return open_at(REAL(openat), AT_FDCWD, path, flags, MODE_OF(flags));
}

EXPORT int open64(const char *path, int flags, ...) {
  return open_at(REAL(openat), AT_FDCWD, path, flags, MODE_OF(flags));
}

EXPORT int openat(int dir, const char *path, int flags, ...) {
  return open_at(REAL(openat), dir, path, flags, MODE_OF(flags));
}

EXPORT int openat64(int dir, const char *path, int flags, ...) {
  return open_at(REAL(openat), dir, path, flags, MODE_OF(flags));
}

EXPORT int __open_2(const char *path, int flags) { return open_at(REAL(openat), AT_FDCWD, path, flags, 0); }

EXPORT int __open64_2(const char *path, int flags) { return open_at(REAL(openat), AT_FDCWD, path, flags, 0); }

EXPORT int __openat_2(int dir, const char *path, int flags) { return open_at(REAL(openat), dir, path, flags, 0); }

EXPORT int __openat64_2(int dir, const char *path, int flags) { return open_at(REAL(openat), dir, path, flags, 0); }

EXPORT int creat(const char *path, mode_t mode) {
  return open_at(REAL(openat), AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT int creat64(const char *path, mode_t mode) {
  return open_at(REAL(openat), AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT int close(int fd) {
  if (fd >= 0 && fd < MOST_FDS) {
    atomic_store(&by_fd[fd], NULL);
  }
  return REAL(close)(fd);
}

static int same(int from, int to) {
  if (from >= 0 && from < MOST_FDS && to >= 0 && to < MOST_FDS && from != to) {
    atomic_store(&synced_writes[to], atomic_load(&synced_writes[from]));
    atomic_store(&by_fd[to], atomic_load(&by_fd[from]));
  }
  return to;
}

EXPORT int dup(int fd) { return same(fd, REAL(dup)(fd)); }

EXPORT int dup2(int fd, int to) { return same(fd, REAL(dup2)(fd, to)); }

EXPORT int dup3(int fd, int to, int flags) { return same(fd, REAL(dup3)(fd, to, flags)); }

EXPORT ssize_t write(int fd, const void *data, size_t count) {
  ssize_t n = REAL(write)(fd, data, count);
  wrote_at_position(fd, n);
  return n;
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count) {
  ssize_t n = REAL(writev)(fd, parts, count);
  wrote_at_position(fd, n);
  return n;
}

#define POSITIONED(name, type)                                          \
  EXPORT ssize_t name(int fd, const type *data, size_t count, off_t at) { \
    ssize_t n = REAL(pwrite)(fd, data, count, at);                      \
    wrote(fd, at, at + n);                                              \
    return n;                                                           \
  }
POSITIONED(pwrite, void)
POSITIONED(pwrite64, void)

EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  ssize_t n = REAL(pwritev)(fd, parts, count, at);
  wrote(fd, at, at + n);
  return n;
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) {
  ssize_t n = REAL(pwritev)(fd, parts, count, at);
  wrote(fd, at, at + n);
  return n;
}

#define SIZED(name)                      \
  EXPORT int name(int fd, off_t size) {  \
    int r = REAL(ftruncate)(fd, size);   \
    wrote_somewhere(fd);                 \
    return r;                            \
  }
SIZED(ftruncate)
SIZED(ftruncate64)

/* A file that was watched from the beginning is copied whole, since the sizes tell of no write. */
static int truncated(const char *path, off_t size) {
  struct stat st;
  bool ours = changes(AT_FDCWD, path);
  int r = REAL(truncate)(path, size);
  if (r == 0 && ours && stat(path, &st) == 0) {
    struct file *f = watch(AT_FDCWD, path, &st);
    pthread_mutex_lock(&f->lock);
    f->whole = true;
    pthread_mutex_unlock(&f->lock);
  }
  return r;
}

EXPORT int truncate(const char *path, off_t size) { return truncated(path, size); }

EXPORT int truncate64(const char *path, off_t size) { return truncated(path, size); }

#define ALLOCATED(name, real)                               \
  EXPORT int name(int fd, int mode, off_t at, off_t length) { \
    int r = REAL(real)(fd, mode, at, length);               \
    wrote_somewhere(fd);                                    \
    return r;                                               \
  }
ALLOCATED(fallocate, fallocate)
ALLOCATED(fallocate64, fallocate)

EXPORT int posix_fallocate(int fd, off_t at, off_t length) {
  int r = REAL(posix_fallocate)(fd, at, length);
  wrote_somewhere(fd);
  return r;
}

EXPORT int posix_fallocate64(int fd, off_t at, off_t length) { return posix_fallocate(fd, at, length); }

EXPORT ssize_t sendfile(int to, int from, off_t *at, size_t count) {
  ssize_t n = REAL(sendfile)(to, from, at, count);
  wrote_somewhere(to);
  return n;
}

EXPORT ssize_t sendfile64(int to, int from, off_t *at, size_t count) { return sendfile(to, from, at, count); }

EXPORT ssize_t copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t count, unsigned flags) {
  ssize_t n = REAL(copy_file_range)(from, from_at, to, to_at, count, flags);
  wrote_somewhere(to);
  return n;
}

static void *mapped(void *at, int protection, int flags, int fd) {
  if (at != MAP_FAILED && (protection & PROT_WRITE) && (flags & MAP_SHARED) && fd >= 0 && fd < MOST_FDS) {
    struct file *f = atomic_load(&by_fd[fd]);
    if (f != NULL) {
      pthread_mutex_lock(&f->lock);
      f->mapped = true;
      pthread_mutex_unlock(&f->lock);
    }
  }
  return at;
}

EXPORT void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
  return mapped(REAL(mmap)(at, length, protection, flags, fd, offset), protection, flags, fd);
}

EXPORT void *mmap64(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
  return mapped(REAL(mmap)(at, length, protection, flags, fd, offset), protection, flags, fd);
}

EXPORT int fsync(int fd) {
  int r = REAL(fsync)(fd);
  if (r == 0) {
    synced(fd);
  }
  return r;
}

EXPORT int fdatasync(int fd) {
  int r = REAL(fdatasync)(fd);
  if (r == 0) {
    synced(fd);
  }
  return r;
}

/* Names: what changes below the root changes the tree alone, until its folder is synced. */
#define NAMES(name, parameters, arguments, dir, path) \
  EXPORT int name parameters {                        \
    changes(dir, path);                               \
    return REAL(name) arguments;                      \
  }
NAMES(rename, (const char *from, const char *to), (from, to), AT_FDCWD, below(AT_FDCWD, from) ? from : to)
NAMES(renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), below(a, from) ? a : b,
      below(a, from) ? from : to)
NAMES(renameat2, (int a, const char *from, int b, const char *to, unsigned flags), (a, from, b, to, flags),
      below(a, from) ? a : b, below(a, from) ? from : to)
NAMES(link, (const char *from, const char *to), (from, to), AT_FDCWD, to)
NAMES(linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags), b, to)
NAMES(unlink, (const char *path), (path), AT_FDCWD, path)
NAMES(unlinkat, (int dir, const char *path, int flags), (dir, path, flags), dir, path)
NAMES(remove, (const char *path), (path), AT_FDCWD, path)
NAMES(rmdir, (const char *path), (path), AT_FDCWD, path)
NAMES(mkdir, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
NAMES(mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), dir, path)

/* One door to all of the above, for programs that call the kernel by number. */
EXPORT long syscall(long number, ...) {
  long a[6];
  va_list rest;
  va_start(rest, number);
  for (int i = 0; i < 6; i++) {
    a[i] = va_arg(rest, long);
  }
  va_end(rest);
  switch (number) {
    case SYS_openat:
      return openat((int)a[0], (const char *)a[1], (int)a[2], (mode_t)a[3]);
    case SYS_close:
      return close((int)a[0]);
    case SYS_write:
      return write((int)a[0], (const void *)a[1], (size_t)a[2]);
    case SYS_pwrite64:
      return pwrite((int)a[0], (const void *)a[1], (size_t)a[2], a[3]);
    case SYS_ftruncate:
      return ftruncate((int)a[0], a[1]);
    case SYS_fsync:
      return fsync((int)a[0]);
    case SYS_fdatasync:
      return fdatasync((int)a[0]);
    case SYS_renameat2:
      return renameat2((int)a[0], (const char *)a[1], (int)a[2], (const char *)a[3], (unsigned)a[4]);
    case SYS_linkat:
      return linkat((int)a[0], (const char *)a[1], (int)a[2], (const char *)a[3], (int)a[4]);
    case SYS_unlinkat:
      return unlinkat((int)a[0], (const char *)a[1], (int)a[2]);
    case SYS_mkdirat:
      return mkdirat((int)a[0], (const char *)a[1], (mode_t)a[2]);
    default:
      return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
}

/* Java's foreign function calls look functions up in libc itself, past every preloaded library. */
EXPORT void *dlsym(void *handle, const char *name) {
  static const char here;
  void *ours = handle == RTLD_NEXT ? NULL : real_dlsym(RTLD_DEFAULT, name);
  Dl_info found, own;
  if (ours != NULL && dladdr(ours, &found) && dladdr(&here, &own) && found.dli_fbase == own.dli_fbase) {
    return ours;
  }
  return real_dlsym(handle, name);
}
