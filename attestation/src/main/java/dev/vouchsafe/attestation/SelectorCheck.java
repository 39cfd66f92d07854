package dev.vouchsafe.attestation;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** Measures a caller against one selector after the other, and owns what it takes for that. */
final class SelectorCheck implements AutoCloseable {
  private final Kernel kernel;
  private final Accounts accounts;
  private final ExecutableHashes hashes;
  private final Scripts scripts;
  private final Containers containers;
  private final SystemdUnits units;

  SelectorCheck(
      Kernel kernel,
      Accounts accounts,
      ExecutableHashes hashes,
      Containers containers,
      SystemdUnits units) {
    this.kernel = kernel;
    this.accounts = accounts;
    this.hashes = hashes;
    this.scripts = new Scripts(kernel, hashes);
    this.containers = containers;
    this.units = units;
  }

  @Override
  public void close() {
    accounts.close();
    hashes.close();
    containers.close();
    units.close();
  }

  /** Of that caller, after the second look; it has been entered. */
  Measurement.Check of(Scratch s, ProcessCaller caller) {
    return new Measurement.Check() {
      @Override
      public Finding check(Selector selector) {
        return SelectorCheck.this.check(s, caller, selector);
      }

      @Override
      public @Nullable Finding withoutAsking(Selector selector) {
        return Registration.ofManager(selector)
            ? SystemdUnits.withoutAsking(caller, selector)
            : Containers.withoutAsking(caller, selector);
      }
    };
  }

  private Finding check(Scratch s, ProcessCaller caller, Selector selector) {
    return switch (selector) {
      case Selector.Uid wanted -> uid(caller, wanted.uid());
      case Selector.User wanted ->
          account(AccountNames.Kind.USER, wanted.user(), id -> uid(caller, id));
      case Selector.Gid wanted -> gid(caller, wanted.gid());
      case Selector.Group wanted ->
          account(AccountNames.Kind.GROUP, wanted.group(), id -> gid(caller, id));
      case Selector.SupplementaryGroup wanted -> supplementary(caller, wanted.group());
      case Selector.Path wanted -> path(s, caller, wanted.path());
      case Selector.Sha256 wanted -> sha256(s, caller, wanted.hex());
      case Selector.ScriptSha256 wanted -> scripts.check(s, caller, wanted.hex());
      case Selector.SystemdUnit _, Selector.SystemdSlice _, Selector.SystemdInvocationId _ ->
          units.check(caller, selector);
      case Selector.ContainerEngine _,
          Selector.ContainerId _,
          Selector.ContainerName _,
          Selector.ContainerImage _,
          Selector.ContainerImageDigest _,
          Selector.ContainerLabel _ ->
          containers.check(s, caller, selector);
    };
  }

  private static Finding uid(ProcessCaller caller, long wanted) {
    Credentials credentials = caller.first().credentials();
    return Finding.of(credentials.allUids(wanted), credentials.uids());
  }

  private static Finding gid(ProcessCaller caller, long wanted) {
    return Finding.of(caller.gid() == wanted, "gid " + caller.gid());
  }

  private Finding supplementary(ProcessCaller caller, String wanted) {
    return isNumber(wanted)
        ? member(caller, Long.parseLong(wanted))
        : account(AccountNames.Kind.GROUP, wanted, id -> member(caller, id));
  }

  private static boolean isNumber(String text) {
    return text.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  private static Finding member(ProcessCaller caller, long wanted) {
    List<Long> groups = caller.peer().groups();
    if (groups == null) {
      return Finding.unavailable("measurement-denied", "its groups at connect can't be read");
    }
    return Finding.of(groups.contains(wanted), "groups " + groups);
  }

  private Finding account(AccountNames.Kind kind, String name, LongFunction<Finding> compare) {
    return switch (accounts.get(new Accounts.Name(kind, name))) {
      case Resolution.Id(long id) -> compare.apply(id);
      case Resolution.Absent() ->
          Finding.of(false, kind == AccountNames.Kind.USER ? "no such user" : "no such group");
      case Resolution.Unknown(String why) -> Finding.unavailable("measurement-timeout", why);
    };
  }

  private Finding path(Scratch s, ProcessCaller caller, String wanted) {
    FileFacts executable = caller.first().executable();
    if (executable == null) {
      return Finding.unavailable("measurement-denied", "its executable can't be seen");
    }
    FileFacts file;
    try {
      file = Kernel.file(s, wanted);
    } catch (SystemCallException e) {
      return notThere(s, caller, executable, wanted, e);
    }
    if (!file.sameFile(executable)) {
      return otherFile(s, caller, executable, wanted);
    }
    Doubt fileSystem = fileSystem(s, caller, executable);
    if (fileSystem != null) {
      return Finding.of(fileSystem);
    }
    return Mappings.runs(s, caller, executable)
        ? Finding.of(true, wanted)
        : Finding.undecidable("no executable mapping of " + wanted + " in its address space");
  }

  /** The file system of an executable stays the same as long as the executable does. */
  private @Nullable Doubt fileSystem(Scratch s, ProcessCaller caller, FileFacts executable) {
    ProcessCaller.Once known = caller.fileSystem();
    if (known != null) {
      return known.doubt();
    }
    int file = kernel.openPath(s, caller.pid(), "exe");
    if (file < 0) {
      return Looks.denied("its executable can't be opened: " + Libc.name(-file));
    }
    Doubt doubt = FileSystems.doubt(s, file, executable);
    Libc.close(s, file);
    if (doubt == null || doubt.definite()) {
      caller.fileSystem(new ProcessCaller.Once(doubt));
    }
    return doubt;
  }

  private Finding sha256(Scratch s, ProcessCaller caller, String wanted) {
    FileFacts executable;
    try {
      executable = kernel.executable(s, caller.pid());
    } catch (SystemCallException e) {
      return Finding.unavailable("measurement-denied", "its executable can't be seen");
    }
    FileFacts first = caller.first().executable();
    if (first == null || !executable.sameFile(first)) {
      return Finding.undecidable(
          "caller-changed", "it runs another executable than when it connected");
    }
    // Before it is opened to be read, which hangs where its file system does.
    Doubt fileSystem = fileSystem(s, caller, executable);
    if (fileSystem != null) {
      return Finding.of(fileSystem);
    }
    return Mappings.runs(s, caller, executable)
        ? hashes.check(s, caller, executable, wanted)
        : Finding.undecidable("no executable mapping of it in its address space");
  }

  private Finding notThere(
      Scratch s, ProcessCaller caller, FileFacts executable, String wanted, SystemCallException e) {
    if (e.errno() == Libc.ENOENT || e.errno() == Libc.ENOTDIR) {
      return otherFile(s, caller, executable, wanted);
    }
    return Finding.unavailable("measurement-denied", wanted + ": " + e.getMessage());
  }

  /**
   * A process that was started from that path, whose file has been replaced since, is told apart.
   * It runs another file for sure only where what it runs can be told at all.
   */
  private Finding otherFile(Scratch s, ProcessCaller caller, FileFacts executable, String wanted) {
    String shown = link(s, caller);
    if (shown != null && (shown.equals(wanted) || shown.equals(wanted + " (deleted)"))) {
      return Finding.undecidable(
          "executable-replaced",
          Quoted.of(shown) + ", which is not the file that has this path now: restart the module");
    }
    // A path that the caller chose: quoted, since it may hold anything.
    String found = shown == null ? "another executable" : Quoted.of(shown);
    Doubt fileSystem = fileSystem(s, caller, executable);
    if (fileSystem != null) {
      return Finding.undecidable(found + "; " + fileSystem.detail());
    }
    return Mappings.runs(s, caller, executable)
        ? Finding.of(false, found)
        : Finding.undecidable(found + ", of which no executable mapping is in its address space");
  }

  private @Nullable String link(Scratch s, ProcessCaller caller) {
    int length = kernel.readlink(s, caller.pid(), "exe");
    return length < 0 ? null : new String(s.bytes(length), StandardCharsets.UTF_8);
  }
}
