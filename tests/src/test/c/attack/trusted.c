/* The program that registrations name: a module that does nothing but its own work. */
#include "caller.h"

int main(int argc, char **argv) { return honest(argc, argv) == 0 ? 0 : 2; }
