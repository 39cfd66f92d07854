/*
 * A builtin of bash (enable -f LIBRARY ask): ask SOCKET REQUEST asks as the shell itself, which has no other way to a Unix socket.
 * So a script is the module, and the process that connects is the one that holds the script.
 */
#include "caller.h"

/* As bash's builtins.h has them. */
struct word {
  char *text;
  int flags;
};

struct words {
  struct words *next;
  struct word *word;
};

struct builtin {
  const char *name;
  int (*function)(struct words *);
  int flags;
  const char *const *long_doc;
  const char *short_doc;
  char *handle;
};

static int ask(struct words *words) {
  if (words == NULL || words->next == NULL) {
    return 2;
  }
  int fd = connect_to(words->word->text, SOCK_CLOEXEC);
  say(fd, words->next->word->text);
  report(hear(fd));
  close(fd);
  return 0;
}

static const char *const DOC[] = {"Asks.", NULL};

extern struct builtin ask_struct;
struct builtin ask_struct = {"ask", ask, 1, DOC, "ask SOCKET REQUEST", NULL};
