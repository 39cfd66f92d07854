package dev.vouchsafe.attestation;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Tells an environment in which an interpreter runs its script and nothing else from one that may
 * make it, its C library or its dynamic loader run, load or find something else as well.
 *
 * <p>A module has variables of its own, which nobody but it reads, so what is known to be read is
 * told apart from the rest: by bash(1), dash(1), java(1) and the virtual machines of OpenJDK and
 * IBM, ld.so(8), and the manual of the GNU C library.
 */
final class ScriptEnvironment {
  private static final int MOST_FOLDERS = 32;

  private static final Pattern READ =
      Pattern.compile(
          // The dynamic loader and the C library.
          "LD_.*|GLIBC_TUNABLES|MALLOC_.*|GCONV_PATH|GETCONF_DIR|LOCPATH|NLSPATH|NIS_PATH"
              + "|HOSTALIASES|LOCALDOMAIN|RES_OPTIONS|RESOLV_.*|TZDIR|TMPDIR"
              + "|TEXTDOMAIN|TEXTDOMAINDIR|OUTPUT_CHARSET|POSIXLY_CORRECT|POSIX_PEDANTIC"
              // Shells.
              + "|ENV|BASH.*|SHELLOPTS|PS[0-9]|IFS|CDPATH|GLOB.*|EXECIGNORE|FIGNORE|FUNCNEST"
              + "|OPTERR|OPTIND|PROMPT_.*|COMP_.*|INPUTRC|READLINE_.*|HIST.*|histchars|MAILPATH|MAILCHECK"
              + "|TIMEFORMAT|TMOUT|FCEDIT|FPATH|ZDOTDIR"
              // Java.
              + "|_JAVA_.*|JAVA_TOOL_OPTIONS|JAVA_OPTIONS|JDK_.*|OPENJ9_.*|IBM_.*|J9.*"
              + "|CLASSPATH|LIBPATH",
          Pattern.DOTALL);

  private static final Pattern LOCALE = Pattern.compile("LANG|LANGUAGE|LC_.*");

  private ScriptEnvironment() {}

  /**
   * Why it may; null if it can't.
   *
   * @param variables {@code NAME=VALUE}
   */
  static @Nullable String doubt(Scratch s, List<String> variables) {
    for (String variable : variables) {
      int end = variable.indexOf('=');
      String name = end < 0 ? variable : variable.substring(0, end);
      String value = end < 0 ? "" : variable.substring(end + 1);
      if (READ.matcher(name).matches() || namesFile(name, value) || value.startsWith("()")) {
        return "its environment has "
            + Quoted.of(name)
            + ", which may make it run something else as well";
      }
      if (name.equals("PATH")) {
        String folder = notRoots(s, value);
        if (folder != null) {
          return "its PATH has " + Quoted.of(folder) + ", where others than root may put a program";
        }
      }
    }
    return null;
  }

  /** A locale and a time zone are names; some values make the C library read any file instead. */
  private static boolean namesFile(String name, String value) {
    if (LOCALE.matcher(name).matches()) {
      return value.contains("/");
    }
    return name.equals("TZ")
        && (value.startsWith("/") || value.startsWith(":/") || value.contains(".."));
  }

  private static @Nullable String notRoots(Scratch s, String path) {
    List<String> folders = Arrays.stream(path.split(":", -1)).distinct().toList();
    if (folders.size() > MOST_FOLDERS) {
      return path;
    }
    for (String folder : folders) {
      if (!folder.startsWith("/") || !isRoots(s, folder)) {
        return folder;
      }
    }
    return null;
  }

  /** What isn't there can be made by nobody but root, if what is there above it is root's alone. */
  private static boolean isRoots(Scratch s, String folder) {
    String at = folder;
    while (true) {
      try {
        return RootsOwn.doubt(s, at, false) == null;
      } catch (SystemCallException e) {
        if (e.errno() != Libc.ENOENT || at.equals("/") || isThere(s, at)) {
          return false;
        }
        at = at.substring(0, Math.max(1, at.lastIndexOf('/')));
      } catch (IOException e) {
        return false;
      }
    }
  }

  /** A link that leads nowhere. */
  private static boolean isThere(Scratch s, String path) {
    try {
      return Kernel.file(s, path, FileFacts.AT_SYMLINK_NOFOLLOW).link();
    } catch (SystemCallException e) {
      return false;
    }
  }
}
