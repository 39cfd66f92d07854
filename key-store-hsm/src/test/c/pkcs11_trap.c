/*
 * A PKCS#11 library that stands in front of another one (REAL, a macro) and crashes or hangs in
 * C_Sign when a file says so: FOLDER/crash is removed and the process runs into a null pointer;
 * while FOLDER/hang is there, the call doesn't return, and FOLDER/hangs grows by an octet. A file, since the test may be in another
 * process.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#define FUNCTIONS 68
#define C_INITIALIZE 0
#define C_SIGN 43

typedef unsigned long ulong;
typedef ulong function(ulong, ulong, ulong, ulong, ulong, ulong, ulong, ulong);

struct table {
  unsigned char major, minor;
  function *at[FUNCTIONS];
};

static struct table mine, *real;

static void trap(void) {
  if (unlink(FOLDER "/crash") == 0) {
    *(volatile int *)NULL = 1;
  }
  if (access(FOLDER "/hang", F_OK) == 0) {
    int hangs = open(FOLDER "/hangs", O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)!write(hangs, "", 1);
    close(hangs);
  }
  while (access(FOLDER "/hang", F_OK) == 0) {
    usleep(10000);
  }
}

static ulong c_sign(ulong a, ulong b, ulong c, ulong d, ulong e, ulong f, ulong g, ulong h) {
  trap();
  return real->at[C_SIGN](a, b, c, d, e, f, g, h);
}

static ulong c_initialize(ulong a, ulong b, ulong c, ulong d, ulong e, ulong f, ulong g, ulong h) {
  while (access(FOLDER "/hang-start", F_OK) == 0) {
    usleep(10000);
  }
  return real->at[C_INITIALIZE](a, b, c, d, e, f, g, h);
}

ulong C_GetFunctionList(struct table **into) {
  if (real == NULL) {
    void *library = dlopen(REAL, RTLD_NOW);
    ulong (*list)(struct table **) =
        library ? (ulong(*)(struct table **))dlsym(library, "C_GetFunctionList") : NULL;
    if (list == NULL || list(&real) != 0) {
      return 5;
    }
    mine = *real;
    mine.at[C_SIGN] = c_sign;
    mine.at[C_INITIALIZE] = c_initialize;
  }
  *into = &mine;
  return 0;
}
