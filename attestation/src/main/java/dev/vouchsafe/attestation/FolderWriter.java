package dev.vouchsafe.attestation;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;

/**
 * Changes the folder of registrations: one writer at a time, each change whole and durable or not
 * done at all.
 */
final class FolderWriter {
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final Duration BETWEEN = Duration.ofMillis(20);

  private final Path folder;
  private final RegistrationRules rules;
  private final Scratch scratch = new Scratch();

  FolderWriter(Path folder, RegistrationRules rules) {
    this.folder = folder.toAbsolutePath();
    this.rules = rules;
  }

  Path add(Registration registration) throws IOException, RegistrationException {
    byte[] content = RegistrationPrinter.print(registration).getBytes(StandardCharsets.UTF_8);
    Path file = folder.resolve(ModuleName.file(registration.name()));
    Registration taken = accepted(file, content, registration);
    try (OpenFolder open = locked()) {
      RegistrationSet present = RegistrationFolder.read(folder, rules);
      checkFree(present, taken);
      put(open, file, content);
    }
    return file;
  }

  Path remove(String name) throws IOException, RegistrationException {
    int bad = 0;
    try (OpenFolder open = locked()) {
      for (String fileName : open.names()) {
        RegistrationFile file = parse(open, fileName);
        bad += file.problems().isEmpty() ? 0 : 1;
        List<String> names = file.registrations().stream().map(Registration::name).toList();
        if (names.contains(name)) {
          return remove(open, fileName, names, name);
        }
      }
    }
    if (RegistrationFolder.read(folder, rules).isBuiltIn(name)) {
      throw new RegistrationException(
          "built-in",
          "the module "
              + Quoted.of(name)
              + " is built in and has no file; a registration of that name takes its place");
    }
    throw new RegistrationException(
        "unknown-module",
        "no registration file holds a module "
            + Quoted.of(name)
            + (bad == 0 ? "" : "; " + bad + " files have mistakes and can't be looked into"));
  }

  /** A file that can't be believed or read holds nothing that could be removed here. */
  private RegistrationFile parse(OpenFolder open, String fileName) {
    Path file = open.show(fileName);
    try {
      return RegistrationFile.parse(file, open.read(fileName), rules);
    } catch (RegistrationException e) {
      return RegistrationFile.bad(file, e.code(), e.getMessage());
    } catch (SystemCallException e) {
      return RegistrationFile.bad(file, "unreadable", e.getMessage());
    }
  }

  private Path remove(OpenFolder open, String fileName, List<String> names, String name)
      throws IOException, RegistrationException {
    Path file = open.show(fileName);
    if (names.size() > 1) {
      throw new RegistrationException(
          "file-holds-others",
          file + " holds other modules too: take the table of " + Quoted.of(name) + " out by hand");
    }
    try {
      open.remove(fileName);
    } catch (SystemCallException e) {
      throw new IOException(file + " can't be removed: " + e.getMessage(), e);
    }
    sync(open);
    return file;
  }

  /** What a reader will make of the file, which must be what was asked for. */
  private Registration accepted(Path file, byte[] content, Registration wanted)
      throws RegistrationException {
    RegistrationFile read = RegistrationFile.parse(file, content, rules);
    if (!read.problems().isEmpty()) {
      RegistrationProblem problem = read.problems().getFirst();
      throw new RegistrationException(problem.code(), problem.message());
    }
    Registration taken = read.registrations().getFirst();
    boolean same =
        taken.name().equals(wanted.name())
            && taken.generation().equals(wanted.generation())
            && taken.selectors().equals(wanted.selectors())
            && taken.any().equals(wanted.any())
            && taken.not().equals(wanted.not())
            && taken.profiles().equals(wanted.profiles())
            && taken.ttl().equals(wanted.ttl())
            && taken.channels().equals(wanted.channels())
            && taken.strict() == wanted.strict();
    if (!same) {
      throw new RegistrationException(
          "bad-registration",
          "it can't be written so that it reads the same; see ttl and selectors");
    }
    return taken;
  }

  private static void checkFree(RegistrationSet present, Registration wanted)
      throws RegistrationException {
    for (RegistrationProblem problem : present.problems()) {
      if (problem.code().equals("duplicate-name") || problem.code().equals("duplicate-spiffe")) {
        throw new RegistrationException(problem.code(), problem.file() + ": " + problem.message());
      }
    }
    if (present.byName(wanted.name()).isPresent() && !present.isBuiltIn(wanted.name())) {
      throw new RegistrationException(
          "duplicate-name", "there is a module " + Quoted.of(wanted.name()) + " already");
    }
    Optional<Registration> sameId =
        present.all().stream()
            .filter(r -> r.spiffePath().isPresent())
            .filter(r -> r.spiffePath().equals(wanted.spiffePath()))
            .filter(r -> !r.name().equals(wanted.name()))
            .findFirst();
    if (sameId.isPresent()) {
      throw new RegistrationException(
          "duplicate-spiffe",
          "the SPIFFE path "
              + Quoted.of(wanted.spiffePath().orElse(""))
              + " is that of module "
              + Quoted.of(sameId.get().name())
              + "; give this one another");
    }
  }

  /** Linking fails where the file exists, so that nothing is ever written over. */
  private void put(OpenFolder open, Path file, byte[] content)
      throws IOException, RegistrationException {
    Path temporary = folder.resolve(".new-" + UUID.randomUUID());
    try {
      write(temporary, content);
      Files.createLink(file, temporary);
    } catch (FileAlreadyExistsException e) {
      throw new RegistrationException(
          "file-exists", file + " exists and holds something else; move it away first");
    } finally {
      Files.deleteIfExists(temporary);
    }
    sync(open);
  }

  private static void write(Path file, byte[] content) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r--r--")))) {
      ByteBuffer bytes = ByteBuffer.wrap(content);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      // Whatever the umask left out: others may read it, nobody else may write it.
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
      channel.force(true);
    }
  }

  private void sync(OpenFolder open) throws SystemCallException {
    int result = Libc.fsync(scratch, open.descriptor());
    if (result < 0) {
      throw new SystemCallException("fsync", -result);
    }
  }

  /** The folder, held against other writers until it is closed. */
  private OpenFolder locked() throws IOException, RegistrationException {
    OpenFolder open;
    try {
      open = OpenFolder.open(folder, scratch);
    } catch (SystemCallException e) {
      throw new IOException(folder + " can't be opened as a folder: " + e.getMessage(), e);
    }
    boolean held = false;
    try {
      open.believe();
      long start = System.nanoTime();
      int result;
      while ((result = Libc.flock(scratch, open.descriptor(), Libc.LOCK_EX_NB)) == -Libc.EAGAIN
          && System.nanoTime() - start < PATIENCE.toNanos()) {
        LockSupport.parkNanos(BETWEEN.toNanos());
      }
      if (result < 0) {
        throw new IOException(folder + " is locked by another program that changes it");
      }
      held = true;
      return open;
    } finally {
      if (!held) {
        open.close();
      }
    }
  }
}
