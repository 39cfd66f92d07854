package dev.vouchsafe.attestation;

import java.nio.file.Path;

/**
 * What is wrong with a registration file or its folder.
 *
 * @param file the file
 * @param code a stable code, such as {@code weak-registration}, {@code unknown-key}, {@code
 *     wrong-owner}
 * @param message what is wrong, where, and what to change
 */
public record RegistrationProblem(Path file, String code, String message) {}
