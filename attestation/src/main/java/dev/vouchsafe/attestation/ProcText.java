package dev.vouchsafe.attestation;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.StringTokenizer;
import java.util.regex.Pattern;

/**
 * Reads the texts of /proc (proc(5)). What a process can choose itself in them is never believed.
 */
final class ProcText {
  /**
   * A segment of a cgroup path that a container engine names: {@code docker-<id>.scope}, {@code
   * <id>}, {@code kubepods..}, {@code machine-..scope}, {@code lxc..}.
   */
  private static final Pattern ENGINE =
      Pattern.compile(
          "(?:[a-z][a-z-]*-)?[0-9a-f]{64}(?:\\.scope)?"
              + "|kubepods.*|machine-.*\\.scope|systemd-nspawn@.*\\.service|lxc(?:\\.payload)?\\..+");

  private ProcText() {}

  /**
   * The ids in {@code /proc/PID/status}: real, effective, saved and file system's, of both kinds.
   */
  static Optional<Credentials> credentials(byte[] status) {
    Optional<List<Long>> uids = numbers(status, "Uid:").filter(n -> n.size() == 4);
    Optional<List<Long>> gids = numbers(status, "Gid:").filter(n -> n.size() == 4);
    if (uids.isEmpty() || gids.isEmpty()) {
      return Optional.empty();
    }
    List<Long> u = uids.get();
    List<Long> g = gids.get();
    return Optional.of(
        new Credentials(
            u.get(0), u.get(1), u.get(2), u.get(3), g.get(0), g.get(1), g.get(2), g.get(3)));
  }

  /** The supplementary groups in {@code /proc/PID/status}. */
  static Optional<List<Long>> groups(byte[] status) {
    return numbers(status, "Groups:");
  }

  /** The numbers of a line; the name of a process, which is its own choice, has no line breaks. */
  private static Optional<List<Long>> numbers(byte[] status, String label) {
    StringTokenizer lines =
        new StringTokenizer(new String(status, StandardCharsets.ISO_8859_1), "\n");
    while (lines.hasMoreTokens()) {
      String line = lines.nextToken();
      if (line.startsWith(label)) {
        StringTokenizer tokens = new StringTokenizer(line.substring(label.length()), " \t");
        List<Long> numbers = new ArrayList<>();
        while (tokens.hasMoreTokens()) {
          Optional<Long> number = id(tokens.nextToken());
          if (number.isEmpty()) {
            return Optional.empty();
          }
          numbers.add(number.get());
        }
        return Optional.of(numbers);
      }
    }
    return Optional.empty();
  }

  /**
   * The number that follows a label at the start of a line, after white space.
   *
   * @return empty if there is no such line, or no number in it
   */
  static OptionalLong number(byte[] text, String label, int radix) {
    int at = 0;
    while (at < text.length) {
      int end = at;
      while (end < text.length && text[end] != '\n') {
        end++;
      }
      if (startsWith(text, at, end, label)) {
        Line line = new Line(text, at + label.length(), end);
        line.skipBlanks();
        int digits = line.at;
        long value = line.number(radix);
        return line.at == digits ? OptionalLong.empty() : OptionalLong.of(value);
      }
      at = end + 1;
    }
    return OptionalLong.empty();
  }

  /**
   * The kernel's flags in {@code /proc/PID/stat}, its ninth field; the second is the process's own
   * choice, in brackets, and nothing behind it has one.
   *
   * @return 0 if there are none
   */
  static long flags(byte[] stat) {
    int at = stat.length - 1;
    while (at >= 0 && stat[at] != ')') {
      at--;
    }
    if (at < 0) {
      return 0;
    }
    Line line = new Line(stat, at, stat.length);
    for (int field = 2; field < 9; field++) {
      line.skipField();
    }
    return line.number(10);
  }

  private static boolean startsWith(byte[] text, int at, int end, String label) {
    if (end - at < label.length()) {
      return false;
    }
    for (int i = 0; i < label.length(); i++) {
      if (text[at + i] != label.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private static Optional<Long> id(String digits) {
    boolean number =
        !digits.isEmpty()
            && digits.length() <= 10
            && digits.chars().allMatch(c -> c >= '0' && c <= '9');
    return number ? Optional.of(Long.valueOf(digits)) : Optional.empty();
  }

  /**
   * For each hierarchy of {@code /proc/PID/cgroup} that a container engine has a hand in, the path
   * down to the last segment named by it. Equal lists mean the same container, or none.
   */
  static List<String> enginePrefixes(byte[] cgroup) {
    List<String> prefixes = new ArrayList<>();
    StringTokenizer lines =
        new StringTokenizer(new String(cgroup, StandardCharsets.ISO_8859_1), "\n");
    while (lines.hasMoreTokens()) {
      String line = lines.nextToken();
      int second = line.indexOf(':', line.indexOf(':') + 1);
      String path = line.substring(second + 1);
      int end = 0;
      int at = 0;
      while (at >= 0 && at < path.length()) {
        int next = path.indexOf('/', at);
        String segment = path.substring(at, next < 0 ? path.length() : next);
        if (ENGINE.matcher(segment).matches()) {
          end = at + segment.length();
        }
        at = next < 0 ? -1 : next + 1;
      }
      if (end > 0) {
        prefixes.add(line.substring(0, second + 1) + path.substring(0, end));
      }
    }
    return prefixes;
  }

  /**
   * Where the first line of {@code /proc/PID/maps} ends that is an executable mapping of that file.
   *
   * <p>File systems without a block device (btrfs, overlay, tmpfs) may show another device here
   * than {@code stat} does, so for those only the inode is compared.
   *
   * @param length how many octets of {@code maps} count; a line cut off at its end is not read
   * @return the octets up to there, its line feed included; 0 if there is none
   */
  static int executableMappingEnd(byte[] maps, int length, FileFacts file) {
    int at = 0;
    while (at < length) {
      int end = at;
      while (end < length && maps[end] != '\n') {
        end++;
      }
      if (end == length) {
        return 0;
      }
      if (executableOf(new Line(maps, at, end), file)) {
        return end + 1;
      }
      at = end + 1;
    }
    return 0;
  }

  /** {@code start-end perms offset major:minor inode path}. */
  private static boolean executableOf(Line line, FileFacts file) {
    line.skipField();
    boolean executable = line.at + 2 < line.end && line.bytes[line.at + 2] == 'x';
    if (!executable) {
      return false;
    }
    line.skipField();
    line.skipField();
    long major = line.number(16);
    line.at++;
    long minor = line.number(16);
    line.skipField();
    long inode = line.number(10);
    boolean blockDevice = file.device() >>> 32 != 0;
    return inode == file.inode() && (!blockDevice || (major << 32 | minor) == file.device());
  }

  /** A place in a line of text. */
  private static final class Line {
    final byte[] bytes;
    final int end;
    int at;

    Line(byte[] bytes, int at, int end) {
      this.bytes = bytes;
      this.at = at;
      this.end = end;
    }

    void skipField() {
      while (at < end && bytes[at] != ' ') {
        at++;
      }
      while (at < end && bytes[at] == ' ') {
        at++;
      }
    }

    void skipBlanks() {
      while (at < end && (bytes[at] == ' ' || bytes[at] == '\t')) {
        at++;
      }
    }

    long number(int radix) {
      long value = 0;
      int digit;
      while (at < end && (digit = Character.digit(bytes[at], radix)) >= 0) {
        value = value * radix + digit;
        at++;
      }
      return value;
    }
  }
}
