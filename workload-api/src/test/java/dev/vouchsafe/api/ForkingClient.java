package dev.vouchsafe.api;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/** A process of its own that connects, and whose children write to its connection as well. */
final class ForkingClient implements AutoCloseable {
  private static final String SCRIPT =
      """
      use Socket; use POSIX ();
      $^F = 255; $| = 1; $SIG{PIPE} = 'IGNORE';
      socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
      connect($s, sockaddr_un($ARGV[0])) or die "connect: $!";
      print "connected\\n";
      while (my $line = <STDIN>) {
        chomp $line;
        my ($word, $hex, $uid) = split / /, $line;
        my $octets = pack("H*", defined $hex ? $hex : "");
        if ($word eq 'self') { syswrite($s, $octets); print "done\\n"; }
        elsif ($word eq 'child') {
          my $child = fork();
          if ($child == 0) {
            if ($uid) { $< = $> = $uid; }
            syswrite($s, $octets);
            POSIX::_exit(0);
          }
          waitpid($child, 0);
          print "done\\n";
        }
        elsif ($word eq 'end') { shutdown($s, 1); print "done\\n"; }
        elsif ($word eq 'some') { my $n = sysread($s, my $x, 65536); print unpack("H*", $x), "\\n"; }
        elsif ($word eq 'rest') {
          my $all = '';
          while (sysread($s, my $x, 65536)) { $all .= $x; }
          print unpack("H*", $all), "\\n";
        }
      }
      """;

  private final Process process;
  private final BufferedReader output;
  private final Writer input;

  private ForkingClient(Process process) throws IOException {
    this.process = process;
    this.output = process.inputReader(StandardCharsets.US_ASCII);
    this.input = process.outputWriter(StandardCharsets.US_ASCII);
    expect("connected");
  }

  static ForkingClient connect(Path socket) throws IOException {
    return new ForkingClient(
        new ProcessBuilder("/usr/bin/perl", "-e", SCRIPT, socket.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start());
  }

  /** The process that connected writes. */
  void writes(String text) throws IOException {
    say("self " + hex(text));
    expect("done");
  }

  /** A child of it writes, and has ended afterwards. */
  void childWrites(String text) throws IOException {
    say("child " + hex(text));
    expect("done");
  }

  /** A child of it writes as another user, which takes root. */
  void childWrites(String text, long uid) throws IOException {
    say("child " + hex(text) + " " + uid);
    expect("done");
  }

  void endsOutput() throws IOException {
    say("end");
    expect("done");
  }

  /** What one read brings. */
  String reads() throws IOException {
    say("some");
    return text(output.readLine());
  }

  /** What comes until the service closes. */
  String readsToTheEnd() throws IOException {
    say("rest");
    return text(output.readLine());
  }

  private static String hex(String text) {
    return HexFormat.of().formatHex(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static String text(String hex) {
    return new String(HexFormat.of().parseHex(hex), StandardCharsets.ISO_8859_1);
  }

  private void say(String line) throws IOException {
    input.write(line + "\n");
    input.flush();
  }

  private void expect(String wanted) throws IOException {
    String line = output.readLine();
    if (!wanted.equals(line)) {
      throw new IOException("said " + line + " instead of " + wanted);
    }
  }

  @Override
  public void close() throws IOException {
    process.destroyForcibly();
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        throw new IOException("it didn't end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
