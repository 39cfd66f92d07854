package dev.vouchsafe.attestation;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Measures which script an interpreter runs, where that can be told: a shell or {@code java -jar}
 * that still holds the script's file.
 *
 * <p>The command line is the caller's own claim, and so is every descriptor that it opened. They
 * are taken only for a script that nobody but root can have put there or changed, given by its
 * absolute path, without any option or variable of the environment that makes the interpreter run
 * something else as well; and the interpreter must hold that file as it holds a script. Whatever is
 * not sure doesn't hold. A process that rewrites its own command line is beyond this, as all that
 * its user does to his own processes.
 */
final class Scripts {
  private static final int MOST_DESCRIPTORS = 1024;
  private static final long CLOSE_ON_EXEC = 02000000;
  private static final long ACCESS = 3;
  private static final int LEAST_OF_SHELL = 10;

  private static final Set<String> SHELLS = Set.of("bash", "dash");
  private static final Pattern FORGETFUL = Pattern.compile("(?:python|node|perl|ruby|php).*");
  private static final Pattern SHELL_OPTION = Pattern.compile("-[eufx]+");
  private static final Pattern JAVA_OPTION =
      Pattern.compile("-X(?:ms|mx|ss|mn)[0-9]+[kKmMgG]?|-server|-ea|-esa");

  private final Kernel kernel;
  private final ExecutableHashes hashes;

  Scripts(Kernel kernel, ExecutableHashes hashes) {
    this.kernel = kernel;
    this.hashes = hashes;
  }

  /** The caller has been entered and compared with the first look. */
  Finding check(Scratch s, ProcessCaller caller, String wanted) {
    FileFacts executable = caller.first().executable();
    if (executable == null) {
      return Finding.unavailable("measurement-denied", "its executable can't be seen");
    }
    if (!Mappings.runs(s, caller, executable)) {
      return Finding.undecidable("no executable mapping of its executable in its address space");
    }
    if (!kernel.randomized(s, caller.pid())) {
      return Finding.undecidable(
          "it was started without address space randomization, so whether it has executed a"
              + " program since it connected can't be told");
    }
    try {
      return script(s, caller, interpreter(s, caller, executable), wanted);
    } catch (Unsure e) {
      return e.finding;
    }
  }

  /** Why it can't be told which script runs. */
  private static final class Unsure extends Exception {
    private static final long serialVersionUID = 1L;
    private final transient Finding finding;

    private Unsure(Finding finding) {
      super(finding.measured(), null, false, false);
      this.finding = finding;
    }

    Unsure(String why) {
      this(Finding.undecidable(why));
    }

    static Unsure denied(String what) {
      return new Unsure(Finding.unavailable("measurement-denied", what + " can't be read"));
    }
  }

  /** The file name of the interpreter, which root gave it. */
  private String interpreter(Scratch s, ProcessCaller caller, FileFacts executable) throws Unsure {
    int length = kernel.readlink(s, caller.pid(), "exe");
    if (length < 0) {
      throw Unsure.denied("/proc/PID/exe");
    }
    String path = new String(s.bytes(length), StandardCharsets.UTF_8);
    rootsOwn(s, path, executable);
    String name = path.substring(path.lastIndexOf('/') + 1);
    if (FORGETFUL.matcher(name).matches()) {
      throw new Unsure(
          Quoted.of(name)
              + " keeps neither descriptor nor mapping of its script: give it a user of its own");
    }
    if (!SHELLS.contains(name) && !name.equals("java")) {
      throw new Unsure(Quoted.of(name) + " is none of the interpreters that hold their script");
    }
    return name;
  }

  private static void rootsOwn(Scratch s, String path, FileFacts file) throws Unsure {
    try {
      String doubt = RootsOwn.doubt(s, path, false);
      if (doubt != null) {
        throw new Unsure(Quoted.of(doubt));
      }
      if (!Kernel.file(s, path).sameFile(file)) {
        throw new Unsure(Quoted.of(path) + " is another file now");
      }
    } catch (IOException e) {
      throw new Unsure(Quoted.of(path) + " can't be found here");
    }
  }

  private Finding script(Scratch s, ProcessCaller caller, String interpreter, String wanted)
      throws Unsure {
    String doubt = ScriptEnvironment.doubt(s, texts(s, caller, "environ"));
    if (doubt != null) {
      throw new Unsure(doubt);
    }
    boolean shell = !interpreter.equals("java");
    List<String> words = texts(s, caller, "cmdline");
    if (words.isEmpty() || words.getFirst().startsWith("-")) {
      throw new Unsure("it was started as a login shell, which reads files of its user's");
    }
    String path =
        (shell ? ofShell(words) : ofJava(words))
            .orElseThrow(() ->
                new Unsure(
                    "its command line is not "
                        + (shell ? interpreter + " /SCRIPT" : "java -jar /FILE")
                        + ", with a path from the root on and without other options"));
    FileFacts script = file(s, path);
    rootsOwn(s, path, script);
    if (!holds(s, caller, script, shell)) {
      throw new Unsure(interpreter + " doesn't hold " + Quoted.of(path) + " as its script");
    }
    return hashes.check(
        s,
        caller.uid(),
        script,
        own -> Libc.open(own, own.path(path), Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK),
        wanted);
  }

  private static FileFacts file(Scratch s, String path) throws Unsure {
    try {
      FileFacts facts = Kernel.file(s, path);
      if (facts.regular()) {
        return facts;
      }
    } catch (SystemCallException e) {
      throw new Unsure(Quoted.of(path) + " can't be found here: " + e.getMessage());
    }
    throw new Unsure(Quoted.of(path) + " is no file");
  }

  /** A file of texts that end with NUL each. */
  private List<String> texts(Scratch s, ProcessCaller caller, String file) throws Unsure {
    byte[] content = Looks.readAll(kernel, s, caller.pid(), file);
    if (content == null) {
      throw Unsure.denied("/proc/PID/" + file);
    }
    if (content.length == Scratch.BUFFER_BYTES) {
      throw new Unsure("its " + file + " is too long to be looked through");
    }
    List<String> texts = new ArrayList<>();
    int start = 0;
    for (int at = 0; at < content.length; at++) {
      if (content[at] == 0) {
        texts.add(new String(content, start, at - start, StandardCharsets.UTF_8));
        start = at + 1;
      }
    }
    return texts;
  }

  private static Optional<String> ofShell(List<String> words) {
    return words.stream()
        .skip(1)
        .dropWhile(word -> SHELL_OPTION.matcher(word).matches())
        .findFirst()
        .filter(Scripts::plain);
  }

  private static Optional<String> ofJava(List<String> words) {
    List<String> rest =
        words.stream()
            .skip(1)
            .dropWhile(word -> JAVA_OPTION.matcher(word).matches())
            .limit(2)
            .toList();
    return rest.size() == 2 && rest.getFirst().equals("-jar")
        ? Optional.of(rest.getLast()).filter(Scripts::plain)
        : Optional.empty();
  }

  /** Absolute, and the same file for everybody: no way through the caller's own descriptors. */
  private static boolean plain(String path) {
    if (!path.startsWith("/")
        || !Scratch.isPath(path)
        || path.startsWith("/proc/")
        || path.startsWith("/dev/")) {
      return false;
    }
    for (String name : path.substring(1).split("/", -1)) {
      if (name.isEmpty() || name.equals(".") || name.equals("..")) {
        return false;
      }
    }
    return true;
  }

  /**
   * Whether one of its descriptors is of that file, read only and, for a shell, as the shell itself
   * opens a script: with a high number, and closed by an exec, which none is that it was started
   * with.
   */
  private boolean holds(Scratch s, ProcessCaller caller, FileFacts script, boolean shell)
      throws Unsure {
    Path folder = Path.of("/proc/" + caller.pid() + "/fd");
    try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(folder)) {
      int count = 0;
      for (Path descriptor : descriptors) {
        if (++count > MOST_DESCRIPTORS) {
          throw new Unsure("it has too many descriptors to be looked through");
        }
        int number = Integer.parseInt(String.valueOf(descriptor.getFileName()));
        if (isOf(s, descriptor, script) && asScript(s, caller, number, shell)) {
          return true;
        }
      }
      return false;
    } catch (IOException | DirectoryIteratorException e) {
      throw Unsure.denied("/proc/PID/fd");
    }
  }

  private static boolean isOf(Scratch s, Path descriptor, FileFacts script) {
    try {
      return Kernel.file(s, descriptor.toString()).sameFile(script);
    } catch (SystemCallException e) {
      return false;
    }
  }

  private boolean asScript(Scratch s, ProcessCaller caller, int number, boolean shell) {
    byte[] info = Looks.readAll(kernel, s, caller.pid(), "fdinfo/" + number);
    long flags = info == null ? -1 : flags(info);
    if (flags < 0 || (flags & ACCESS) != Libc.O_RDONLY) {
      return false;
    }
    return !shell || (number >= LEAST_OF_SHELL && (flags & CLOSE_ON_EXEC) != 0);
  }

  /** Octal (proc_pid_fdinfo(5)). */
  private static long flags(byte[] info) {
    String label = "flags:\t";
    for (String line : new String(info, StandardCharsets.US_ASCII).split("\n", -1)) {
      if (line.startsWith(label)) {
        return number(line.substring(label.length()).strip());
      }
    }
    return -1;
  }

  private static long number(String octal) {
    try {
      return Long.parseLong(octal, 8);
    } catch (NumberFormatException e) {
      return -1;
    }
  }
}
