/*
 * A PKCS#11 library that stands in front of another one (REAL, a macro) and does to single calls
 * what a test wants: counts them, answers with a code, holds them up, or changes what they tell.
 *
 * Functions go by their place in the function table. All parameters are numbers of 64 bits or
 * pointers, so one shape fits them all: what is passed beyond a function's own is not looked at.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#define FUNCTIONS 68
#define C_FINALIZE 1
#define C_GET_TOKEN_INFO 6
#define C_OPEN_SESSION 12
#define C_CLOSE_SESSION 13
#define C_LOGOUT 19
#define C_GET_ATTRIBUTE_VALUE 24
#define C_SIGN_INIT 42
#define TOKEN_INFO_FLAGS 96
#define TOKEN_INFO_MOST_SESSIONS 104
#define TOKEN_INFO_MOST_WRITING_SESSIONS 120
#define SESSION_COUNT 0xB1
#define GENERAL_ERROR 5

typedef unsigned long ulong;
typedef ulong function(ulong, ulong, ulong, ulong, ulong, ulong, ulong, ulong);

struct table {
  unsigned char major, minor;
  function *at[FUNCTIONS];
};

struct attribute {
  ulong type;
  unsigned char *value;
  ulong length;
};

static struct {
  ulong calls, answer, skip, times;
  int held;
} rules[FUNCTIONS];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static struct table mine, *real;
static ulong flags_set, flags_cleared, waiting, most_sessions, open_sessions, signing_session;
static ulong lie_type = ~0UL;
static unsigned char lie_value;
static char label[32];
static int renamed;

/* What a call that went well leaves. */
static void count(int place, ulong session) {
  pthread_mutex_lock(&lock);
  if (place == C_OPEN_SESSION) {
    open_sessions++;
  } else if (place == C_CLOSE_SESSION) {
    open_sessions--;
  } else if (place == C_FINALIZE) {
    open_sessions = 0;
  } else if (place == C_SIGN_INIT) {
    signing_session = session;
  }
  pthread_mutex_unlock(&lock);
}

static ulong call(int place, ulong a, ulong b, ulong c, ulong d, ulong e, ulong f, ulong g,
                  ulong h) {
  ulong answer = 0;
  pthread_mutex_lock(&lock);
  rules[place].calls++;
  while (rules[place].held) {
    waiting++;
    pthread_cond_wait(&released, &lock);
    waiting--;
  }
  if (rules[place].skip > 0) {
    rules[place].skip--;
  } else if (rules[place].times > 0) {
    rules[place].times--;
    answer = rules[place].answer;
  }
  if (place == C_OPEN_SESSION && answer == 0 && most_sessions > 0 &&
      open_sessions >= most_sessions) {
    answer = SESSION_COUNT;
  }
  pthread_mutex_unlock(&lock);
  if (answer == 0) {
    answer = real->at[place](a, b, c, d, e, f, g, h);
    if (answer == 0) {
      count(place, a);
    }
  }
  if (place == C_GET_TOKEN_INFO && answer == 0) {
    ulong *flags = (ulong *)(b + TOKEN_INFO_FLAGS);
    *flags = (*flags | flags_set) & ~flags_cleared;
    if (renamed) {
      memcpy((void *)b, label, sizeof label);
    }
    if (most_sessions > 0) {
      *(ulong *)(b + TOKEN_INFO_MOST_SESSIONS) = most_sessions;
      *(ulong *)(b + TOKEN_INFO_MOST_WRITING_SESSIONS) = most_sessions;
    }
  }
  if (place == C_GET_ATTRIBUTE_VALUE && answer == 0) {
    struct attribute *asked = (struct attribute *)c;
    if (asked->type == lie_type && asked->length > 0) {
      asked->value[0] = lie_value;
    }
  }
  return answer;
}

#define WRAP(place)                                                                              \
  static ulong wrapped_##place(ulong a, ulong b, ulong c, ulong d, ulong e, ulong f, ulong g,    \
                               ulong h) {                                                        \
    return call(place, a, b, c, d, e, f, g, h);                                                  \
  }

WRAP(0)
WRAP(1)
WRAP(4)
WRAP(6)
WRAP(8)
WRAP(12)
WRAP(13)
WRAP(15)
WRAP(18)
WRAP(22)
WRAP(24)
WRAP(26)
WRAP(27)
WRAP(28)
WRAP(42)
WRAP(43)
WRAP(58)
WRAP(59)

ulong C_GetFunctionList(struct table **into) {
  pthread_mutex_lock(&lock);
  if (real == NULL) {
    void *library = dlopen(REAL, RTLD_NOW);
    ulong (*list)(struct table **) =
        library ? (ulong(*)(struct table **))dlsym(library, "C_GetFunctionList") : NULL;
    if (list == NULL || list(&real) != 0) {
      pthread_mutex_unlock(&lock);
      return GENERAL_ERROR;
    }
    mine = *real;
    mine.at[0] = wrapped_0;
    mine.at[1] = wrapped_1;
    mine.at[4] = wrapped_4;
    mine.at[6] = wrapped_6;
    mine.at[8] = wrapped_8;
    mine.at[12] = wrapped_12;
    mine.at[13] = wrapped_13;
    mine.at[15] = wrapped_15;
    mine.at[18] = wrapped_18;
    mine.at[22] = wrapped_22;
    mine.at[24] = wrapped_24;
    mine.at[26] = wrapped_26;
    mine.at[27] = wrapped_27;
    mine.at[28] = wrapped_28;
    mine.at[42] = wrapped_42;
    mine.at[43] = wrapped_43;
    mine.at[58] = wrapped_58;
    mine.at[59] = wrapped_59;
  }
  pthread_mutex_unlock(&lock);
  *into = &mine;
  return 0;
}

/* After so many calls that pass, so many are answered with this code and not passed on. */
void shim_answer(ulong place, ulong code, ulong skip, ulong times) {
  pthread_mutex_lock(&lock);
  rules[place].answer = code;
  rules[place].skip = skip;
  rules[place].times = times;
  pthread_mutex_unlock(&lock);
}

/* How often it was called since the last reset. */
ulong shim_calls(ulong place) {
  pthread_mutex_lock(&lock);
  ulong calls = rules[place].calls;
  pthread_mutex_unlock(&lock);
  return calls;
}

/* Holds all calls of it up, or lets them go on. */
void shim_hold(ulong place, ulong held) {
  pthread_mutex_lock(&lock);
  rules[place].held = held != 0;
  pthread_cond_broadcast(&released);
  pthread_mutex_unlock(&lock);
}

/* How many calls are being held up now. */
ulong shim_waiting(void) {
  pthread_mutex_lock(&lock);
  ulong now = waiting;
  pthread_mutex_unlock(&lock);
  return now;
}

/* What a token says of itself. */
void shim_flags(ulong set, ulong cleared) {
  flags_set = set;
  flags_cleared = cleared;
}

/* What a token says of an attribute of one octet. */
void shim_lie(ulong type, ulong value) {
  lie_type = type;
  lie_value = (unsigned char)value;
}

/* What a token says it is called; as it is if that is empty. */
void shim_rename(const char *name) {
  pthread_mutex_lock(&lock);
  memset(label, ' ', sizeof label);
  memcpy(label, name, strlen(name));
  renamed = name[0] != 0;
  pthread_mutex_unlock(&lock);
}

/* How many sessions the token says it allows, and allows; 0 for as many as it likes. */
void shim_sessions(ulong most) {
  pthread_mutex_lock(&lock);
  most_sessions = most;
  pthread_mutex_unlock(&lock);
}

/* Logs the user out behind everybody's back, by the session that has signed last. */
ulong shim_logout(void) {
  return real->at[C_LOGOUT](signing_session, 0, 0, 0, 0, 0, 0, 0);
}

/* Finalizes the library behind everybody's back. */
ulong shim_finalize(void) {
  count(C_FINALIZE, 0);
  return real->at[C_FINALIZE](0, 0, 0, 0, 0, 0, 0, 0);
}

void shim_reset(void) {
  pthread_mutex_lock(&lock);
  memset(rules, 0, sizeof rules);
  flags_set = flags_cleared = most_sessions = 0;
  renamed = 0;
  lie_type = ~0UL;
  pthread_cond_broadcast(&released);
  pthread_mutex_unlock(&lock);
}
