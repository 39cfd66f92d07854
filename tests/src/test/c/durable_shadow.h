/*
 * The durable shadow of a folder tree: the model that forget_unsynced.c describes, and which its
 * functions call. Included once.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define MOST_FDS 65536
#define BUCKETS 4096
#define MOST_RANGES 32
/* Files up to this size are copied whole: no missed write can then be mistaken for a lost one. */
#define COPIED_WHOLE (256 * 1024)

static void *real_dlsym(void *handle, const char *name) {
  static void *(*real)(void *, const char *);
  for (const char **v = (const char *[]){"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17", NULL}; real == NULL && *v; v++) {
    real = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", *v);
  }
  return real(handle, name);
}

/* The function behind ours: what a program without this library calls. */
#define REAL(name)                                                       \
  ({                                                                     \
    static __typeof__(name) *real_;                                      \
    if (!real_) {                                                        \
      real_ = (__typeof__(name) *)real_dlsym(RTLD_NEXT, #name);          \
    }                                                                    \
    real_;                                                               \
  })

struct range {
  off_t from, to;
};

/* One file below the root. It is never forgotten, and its descriptor keeps the inode number from being used again:
   closing it would also drop the locks that the program holds on the file. */
struct file {
  struct file *next;
  ino_t ino;
  int pin;    /* reads the file */
  int shadow; /* writes its durable content */
  pthread_mutex_t lock;
  struct range dirty[MOST_RANGES];
  int ranges;
  bool whole;  /* written in a way that tells no range */
  bool mapped; /* as whole, for ever */
  struct timespec seen;
};

static char root[PATH_MAX], shadow[PATH_MAX];
static size_t root_length;
static dev_t root_dev;
static atomic_bool active;
static pthread_once_t read_settings = PTHREAD_ONCE_INIT, start_watching = PTHREAD_ONCE_INIT;
static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER, folders_lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files[BUCKETS];
static _Atomic(struct file *) by_fd[MOST_FDS];
static atomic_bool synced_writes[MOST_FDS];

static void die(const char *what, const char *which) {
  dprintf(2, "forget_unsynced: %s: %s: %s\n", what, which, strerror(errno));
  _exit(86);
}

static void settings(void) {
  const char *r = getenv("FORGET_UNSYNCED_ROOT"), *s = getenv("FORGET_UNSYNCED_SHADOW");
  if (r == NULL || s == NULL) {
    return;
  }
  if (realpath(r, root) == NULL || realpath(s, shadow) == NULL) {
    die("no such folder", r);
  }
  root_length = strlen(root);
}

/* Whether a path, resolved against a folder descriptor, lies below the root (or is it). */
static bool below(int dir, const char *path) {
  pthread_once(&read_settings, settings);
  if (root_length == 0 || path == NULL) {
    return false;
  }
  char at[PATH_MAX * 2];
  if (path[0] == '/') {
    snprintf(at, sizeof at, "%s", path);
  } else {
    char folder[PATH_MAX], link[64];
    ssize_t n;
    if (dir == AT_FDCWD) {
      snprintf(link, sizeof link, "/proc/self/cwd");
    } else {
      snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    }
    n = readlink(link, folder, sizeof folder - 1);
    if (n < 0) {
      return false;
    }
    folder[n] = 0;
    snprintf(at, sizeof at, "%s/%s", folder, path);
  }
  return strncmp(at, root, root_length) == 0 && (at[root_length] == '/' || at[root_length] == 0);
}

static struct file *find(ino_t ino) {
  for (struct file *f = files[ino % BUCKETS]; f != NULL; f = f->next) {
    if (f->ino == ino) {
      return f;
    }
  }
  return NULL;
}

/* The file of that descriptor or name; one not seen before has no durable content yet. */
static struct file *watch(int dir, const char *name, const struct stat *st) {
  pthread_mutex_lock(&files_lock);
  struct file *f = find(st->st_ino);
  if (f == NULL) {
    char path[PATH_MAX + 64];
    f = calloc(1, sizeof *f);
    if (f == NULL) {
      die("memory", name);
    }
    f->ino = st->st_ino;
    pthread_mutex_init(&f->lock, NULL);
    f->pin = REAL(openat)(dir, name, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "%s/files/%lu", shadow, (unsigned long)st->st_ino);
    f->shadow = REAL(open)(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (f->pin < 0 || f->shadow < 0) {
      die("can't watch", name);
    }
    f->next = files[st->st_ino % BUCKETS];
    files[st->st_ino % BUCKETS] = f;
  }
  pthread_mutex_unlock(&files_lock);
  return f;
}

static void copy(struct file *f, off_t from, off_t to) {
  char buffer[65536];
  while (from < to) {
    size_t want = to - from < (off_t)sizeof buffer ? (size_t)(to - from) : sizeof buffer;
    ssize_t n = REAL(pread)(f->pin, buffer, want, from);
    if (n < 0 || (n > 0 && REAL(pwrite)(f->shadow, buffer, n, from) != n)) {
      die("can't copy", shadow);
    }
    if (n == 0) {
      return;
    }
    from += n;
  }
}

/* The content of the file becomes durable. */
static void keep(struct file *f) {
  struct stat st;
  pthread_mutex_lock(&f->lock);
  if (fstat(f->pin, &st) != 0) {
    die("can't look at", shadow);
  }
  bool silent = f->ranges == 0 && (f->seen.tv_sec != st.st_mtim.tv_sec || f->seen.tv_nsec != st.st_mtim.tv_nsec);
  if (f->whole || f->mapped || silent || st.st_size <= COPIED_WHOLE) {
    copy(f, 0, st.st_size);
  } else {
    for (int i = 0; i < f->ranges; i++) {
      copy(f, f->dirty[i].from, f->dirty[i].to < st.st_size ? f->dirty[i].to : st.st_size);
    }
  }
  if (REAL(ftruncate)(f->shadow, st.st_size) != 0) {
    die("can't set the size", shadow);
  }
  f->ranges = 0;
  f->whole = false;
  f->seen = st.st_mtim;
  pthread_mutex_unlock(&f->lock);
}

/* Noted after the write: noted before, a sync between the two would forget it. */
static void wrote(int fd, off_t from, off_t to) {
  struct file *f = fd >= 0 && fd < MOST_FDS ? atomic_load(&by_fd[fd]) : NULL;
  if (f == NULL || from >= to) {
    return;
  }
  pthread_mutex_lock(&f->lock);
  struct range *last = f->ranges > 0 ? &f->dirty[f->ranges - 1] : NULL;
  if (last != NULL && from <= last->to && to >= last->from) {
    last->from = from < last->from ? from : last->from;
    last->to = to > last->to ? to : last->to;
  } else if (f->ranges < MOST_RANGES) {
    f->dirty[f->ranges++] = (struct range){from, to};
  } else {
    f->whole = true;
  }
  pthread_mutex_unlock(&f->lock);
  if (atomic_load(&synced_writes[fd])) {
    keep(f);
  }
}

static void wrote_somewhere(int fd) {
  struct file *f = fd >= 0 && fd < MOST_FDS ? atomic_load(&by_fd[fd]) : NULL;
  if (f != NULL) {
    pthread_mutex_lock(&f->lock);
    f->whole = true;
    pthread_mutex_unlock(&f->lock);
    if (atomic_load(&synced_writes[fd])) {
      keep(f);
    }
  }
}

static void wrote_at_position(int fd, ssize_t count) {
  if (count > 0 && fd >= 0 && fd < MOST_FDS && atomic_load(&by_fd[fd]) != NULL) {
    off_t end = lseek(fd, 0, SEEK_CUR);
    wrote(fd, end - count, end);
  }
}

/* The names in a folder become durable. One line each: kind, inode, mode, owner, group, name in hex. */
static void keep_names(int folder, ino_t ino, bool with_content) {
  char to[PATH_MAX + 64], temporary[PATH_MAX + 64];
  snprintf(to, sizeof to, "%s/folders/%lu", shadow, (unsigned long)ino);
  snprintf(temporary, sizeof temporary, "%s/folders/%lu.new", shadow, (unsigned long)ino);
  pthread_mutex_lock(&folders_lock);
  FILE *out = fopen(temporary, "we");
  int own = REAL(openat)(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *entries = own < 0 ? NULL : fdopendir(own);
  if (out == NULL || entries == NULL) {
    die("can't list", to);
  }
  for (struct dirent *e = readdir(entries); e != NULL; e = readdir(entries)) {
    struct stat st;
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
        fstatat(own, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
      continue;
    }
    if (S_ISREG(st.st_mode)) {
      struct file *f = watch(own, e->d_name, &st);
      if (with_content) {
        keep(f);
      }
    }
    fprintf(out, "%c %lu %o %u %u ", S_ISDIR(st.st_mode) ? 'd' : 'f', (unsigned long)st.st_ino, st.st_mode & 07777,
            st.st_uid, st.st_gid);
    for (const char *c = e->d_name; *c != 0; c++) {
      fprintf(out, "%02x", (unsigned char)*c);
    }
    fputc('\n', out);
  }
  closedir(entries);
  if (fclose(out) != 0 || REAL(rename)(temporary, to) != 0) {
    die("can't keep", to);
  }
  pthread_mutex_unlock(&folders_lock);
}

/* What is there before the first write counts as durable. */
static void keep_tree(int dir, const char *name) {
  struct stat st;
  int folder = REAL(openat)(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 || fstat(folder, &st) != 0) {
    die("can't read", name);
  }
  keep_names(folder, st.st_ino, true);
  int own = REAL(openat)(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *entries = own < 0 ? NULL : fdopendir(own);
  if (entries == NULL) {
    die("can't list", name);
  }
  for (struct dirent *e = readdir(entries); e != NULL; e = readdir(entries)) {
    struct stat inner;
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
        fstatat(folder, e->d_name, &inner, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(inner.st_mode)) {
      keep_tree(folder, e->d_name);
    }
  }
  closedir(entries);
  close(folder);
}

static void start(void) {
  char path[PATH_MAX + 64];
  struct stat st;
  snprintf(path, sizeof path, "%s/owner", shadow);
  int owner = REAL(open)(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (owner < 0) {
    die("this shadow is another process's, or was not restored from", path);
  }
  dprintf(owner, "%d\n", (int)getpid());
  snprintf(path, sizeof path, "%s/files", shadow);
  mkdir(path, 0700);
  snprintf(path, sizeof path, "%s/folders", shadow);
  mkdir(path, 0700);
  if (stat(root, &st) != 0) {
    die("can't look at", root);
  }
  root_dev = st.st_dev;
  keep_tree(AT_FDCWD, root);
  dprintf(owner, "%lu\n", (unsigned long)st.st_ino);
  atomic_store(&active, true);
}

/* Before anything below the root changes. */
static bool changes(int dir, const char *path) {
  bool ours = below(dir, path);
  if (ours) {
    pthread_once(&start_watching, start);
  }
  return ours;
}

static void opened(int fd, int flags, bool ours) {
  struct stat st;
  if (fd < 0 || fd >= MOST_FDS) {
    return;
  }
  atomic_store(&by_fd[fd], NULL);
  if (ours && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    struct file *f = watch(AT_FDCWD, self, &st);
    atomic_store(&synced_writes[fd], (flags & O_DSYNC) != 0);
    atomic_store(&by_fd[fd], f);
    if (flags & O_TRUNC) {
      wrote_somewhere(fd);
    }
  }
}

/* What a sync makes durable: the content of a file, or the names in a folder. */
static void synced(int fd) {
  struct stat st;
  int saved = errno;
  if (atomic_load(&active) && fstat(fd, &st) == 0 && st.st_dev == root_dev) {
    if (S_ISREG(st.st_mode)) {
      pthread_mutex_lock(&files_lock);
      struct file *f = find(st.st_ino);
      pthread_mutex_unlock(&files_lock);
      if (f != NULL) {
        keep(f);
      }
    } else if (S_ISDIR(st.st_mode) && below(fd, ".")) {
      keep_names(fd, st.st_ino, false);
    }
  }
  errno = saved;
}
