/*
 * The ceiling for signatures by a token: C_SignInit and C_Sign, again and again, in a session for
 * each thread.
 *
 *   c_sign_rate LIBRARY TOKEN-LABEL PIN CKA_ID-IN-HEX SECONDS THREADS
 *
 * prints signatures per second, and microseconds of CPU for each. The key is a private key that signs digests with CKM_ECDSA.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef unsigned long ulong;

struct table {
  unsigned char major, minor;
  void *at[68];
};

struct attribute {
  ulong type;
  void *value;
  ulong length;
};

struct mechanism {
  ulong type;
  void *parameter;
  ulong length;
};

static void check(const char *what, ulong answer) {
  if (answer != 0) {
    fprintf(stderr, "%s answers 0x%lx\n", what, answer);
    exit(1);
  }
}

static double now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static ulong slot_of(struct table *p, const char *label) {
  ulong slots[64], count = 64;
  check("C_GetSlotList", ((ulong(*)(unsigned char, ulong *, ulong *))p->at[4])(1, slots, &count));
  for (ulong i = 0; i < count; i++) {
    unsigned char info[208];
    check("C_GetTokenInfo", ((ulong(*)(ulong, void *))p->at[6])(slots[i], info));
    if (strncmp((char *)info, label, strlen(label)) == 0 && info[strlen(label)] == ' ') {
      return slots[i];
    }
  }
  fprintf(stderr, "no token %s\n", label);
  exit(1);
}

static ulong key_of(struct table *p, ulong session, const char *hex) {
  unsigned char id[64];
  ulong length = strlen(hex) / 2, private_key = 3, key = 0, found = 0;
  if (length > sizeof id) {
    exit(2);
  }
  for (ulong i = 0; i < length; i++) {
    sscanf(hex + 2 * i, "%2hhx", &id[i]);
  }
  struct attribute wanted[] = {{0x0, &private_key, sizeof private_key}, {0x102, id, length}};
  check("C_FindObjectsInit",
        ((ulong(*)(ulong, struct attribute *, ulong))p->at[26])(session, wanted, 2));
  check("C_FindObjects", ((ulong(*)(ulong, ulong *, ulong, ulong *))p->at[27])(session, &key, 1,
                                                                               &found));
  check("C_FindObjectsFinal", ((ulong(*)(ulong))p->at[28])(session));
  if (found != 1) {
    fprintf(stderr, "no key %s\n", hex);
    exit(1);
  }
  return key;
}

struct work {
  struct table *p;
  ulong session, key;
  double seconds, rate, cpu;
};

static void *sign_all(void *argument) {
  struct work *work = argument;
  ulong (*sign_init)(ulong, struct mechanism *, ulong) = work->p->at[42];
  ulong (*sign)(ulong, unsigned char *, ulong, unsigned char *, ulong *) = work->p->at[43];
  struct mechanism ecdsa = {0x1041, NULL, 0};
  unsigned char digest[32] = {1}, signature[256];
  double start = now(CLOCK_MONOTONIC), cpu = now(CLOCK_THREAD_CPUTIME_ID), end;
  long count = 0;
  do {
    for (int i = 0; i < 50; i++) {
      ulong length = sizeof signature;
      check("C_SignInit", sign_init(work->session, &ecdsa, work->key));
      check("C_Sign", sign(work->session, digest, sizeof digest, signature, &length));
    }
    count += 50;
    end = now(CLOCK_MONOTONIC);
  } while (end - start < work->seconds);
  work->rate = (double)count / (end - start);
  work->cpu = (now(CLOCK_THREAD_CPUTIME_ID) - cpu) / (double)count;
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 7) {
    return 2;
  }
  void *library = dlopen(argv[1], RTLD_NOW);
  ulong (*list)(struct table **) =
      library ? (ulong(*)(struct table **))dlsym(library, "C_GetFunctionList") : NULL;
  struct table *p;
  if (list == NULL || list(&p) != 0) {
    fprintf(stderr, "%s is no PKCS#11 library\n", argv[1]);
    return 1;
  }
  ulong serial = 0x4, user = 1, arguments[6] = {0, 0, 0, 0, 2, 0};
  check("C_Initialize", ((ulong(*)(void *))p->at[0])(arguments));
  ulong slot = slot_of(p, argv[2]);
  struct work work[16];
  pthread_t threads[16];
  int count = atoi(argv[6]);
  if (count < 1 || count > 16) {
    return 2;
  }
  double rate = 0, cpu = 0;
  for (int i = 0; i < count; i++) {
    work[i].p = p;
    work[i].seconds = atof(argv[5]);
    check("C_OpenSession", ((ulong(*)(ulong, ulong, void *, void *, ulong *))p->at[12])(
                               slot, serial, NULL, NULL, &work[i].session));
    if (i == 0) {
      check("C_Login", ((ulong(*)(ulong, ulong, char *, ulong))p->at[18])(
                           work[i].session, user, argv[3], strlen(argv[3])));
    }
    work[i].key = key_of(p, work[i].session, argv[4]);
  }
  for (int i = 0; i < count; i++) {
    pthread_create(&threads[i], NULL, sign_all, &work[i]);
  }
  for (int i = 0; i < count; i++) {
    pthread_join(threads[i], NULL);
    rate += work[i].rate;
    cpu += work[i].cpu;
  }
  printf("%.0f %.2f\n", rate, 1e6 * cpu / count);
  check("C_Finalize", ((ulong(*)(void *))p->at[1])(NULL));
  return 0;
}
