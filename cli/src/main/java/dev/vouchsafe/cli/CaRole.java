package dev.vouchsafe.cli;

/** Whose rotation is meant, in the words of the command line. */
enum CaRole {
  device,
  root
}
