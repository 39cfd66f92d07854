package dev.vouchsafe.tests.bad.cli;

/**
 * A command that breaks no rule; it is here so that every module of the bad program has a class.
 */
final class BadCommand {}
