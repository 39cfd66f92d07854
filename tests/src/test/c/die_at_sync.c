/*
 * die_at_sync: a preload library that kills its process at one of its syncs.
 *
 * Once there is a file at DIE_AT_SYNC, which says a number and "before" or "after", that many fsync and
 * fdatasync calls later the process sends itself SIGKILL: before that call does anything, or when it has
 * been done. So a test can have a step end at each moment at which something has become durable, in a
 * real process, without its help.
 *
 * Build: gcc -O2 -shared -fPIC -o die_at_sync.so die_at_sync.c
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long left = -1;
static bool after;

static void arm(void) {
  const char *path = getenv("DIE_AT_SYNC");
  FILE *file = path == NULL ? NULL : fopen(path, "r");
  if (file == NULL) {
    return;
  }
  char when[8] = "";
  long number = 0;
  if (fscanf(file, "%ld %7s", &number, when) == 2 && number > 0) {
    left = number;
    after = strcmp(when, "after") == 0;
  }
  fclose(file);
}

/* Whether this call is the one. */
static bool is_last(void) {
  pthread_mutex_lock(&lock);
  if (left < 0) {
    arm();
  }
  bool last = left > 0 && --left == 0;
  pthread_mutex_unlock(&lock);
  return last;
}

static int sync_and_die(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  bool last = is_last();
  if (last && !after) {
    kill(getpid(), SIGKILL);
  }
  int result = real(fd);
  if (last) {
    kill(getpid(), SIGKILL);
  }
  return result;
}

__attribute__((visibility("default"))) int fsync(int fd) { return sync_and_die("fsync", fd); }

__attribute__((visibility("default"))) int fdatasync(int fd) { return sync_and_die("fdatasync", fd); }
