/* A program that no registration names. It can do all that the trusted one can, and so shows what only attestation tells apart. */
#include "caller.h"

/* Makes its octets others than those of the trusted program, even where the compiler leaves out names. */
static const volatile char mark[] = "a stranger";

int main(int argc, char **argv) { return honest(argc, argv) == 0 ? 0 : mark[0] == 'a' ? 2 : 3; }
