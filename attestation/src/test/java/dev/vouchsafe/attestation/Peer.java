package dev.vouchsafe.attestation;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A real process that connects to what is {@link Accepting} and then does what the test tells it.
 */
final class Peer implements AutoCloseable {
  static final Path PERL = Path.of("/usr/bin/perl");

  /** {@code $^F} keeps the socket over an exec, as a program of an attacker would. */
  static final String SCRIPT =
      """
      use Socket; use POSIX (); use IO::Handle;
      $^F = 255; $| = 1;
      my ($version, $port) = $ARGV[0] =~ /^([46]):(\\d+)$/;
      my $family = !$version ? AF_UNIX : $version == 4 ? AF_INET : AF_INET6;
      my $to = !$version ? sockaddr_un($ARGV[0])
          : $version == 4 ? Socket::pack_sockaddr_in($port, INADDR_LOOPBACK)
          : Socket::pack_sockaddr_in6($port, Socket::inet_pton(AF_INET6, '::1'));
      socket(my $s, $family, SOCK_STREAM, 0) or die "socket: $!";
      connect($s, $to) or die "connect: $!";
      print "connected\\n";
      while (my $line = <STDIN>) {
        chomp $line;
        my ($word, @rest) = split / /, $line;
        if ($word eq 'exec') { exec { $rest[0] } @rest or print "failed $!\\n"; }
        elsif ($word eq 'setuid') { $< = $> = $rest[0]; print "done\\n"; }
        elsif ($word eq 'seteuid') { $> = $rest[0]; print "done\\n"; }
        elsif ($word eq 'again') {
          socket(our $t, $family, SOCK_STREAM, 0) or die "socket: $!";
          connect($t, $to) or die "connect: $!";
          print "connected\n";
        }
        elsif ($word eq 'childwritesagain') {
          our $t;
          my $child = fork();
          if ($child == 0) { syswrite($t, $rest[0]); POSIX::_exit(0); }
          waitpid($child, 0);
          print "done\\n";
        }
        elsif ($word eq 'unlink') { unlink $rest[0]; print "done\\n"; }
        elsif ($word eq 'memory') {
          my $number = (POSIX::uname())[4] eq 'aarch64' ? 279 : 319;
          my $label = "x"; my $fd = syscall($number, $label, 0);
          open(my $from, '<', $^X); binmode $from;
          my $program = do { local $/; <$from> };
          open(my $to, '>&=', $fd); binmode $to; print {$to} $program; $to->flush;
          my $read = POSIX::open("/proc/self/fd/$fd", POSIX::O_RDONLY());
          close $to;
          exec { "/proc/self/fd/$read" } 'perl', '-e', '$|=1;print qq(running\\n);<STDIN>';
        }
        elsif ($word eq 'write') { syswrite($s, $rest[0]); print "done\\n"; }
        elsif ($word eq 'childwrites') {
          my $child = fork();
          if ($child == 0) {
            if (@rest > 1) { $< = $> = $rest[1]; }
            syswrite($s, $rest[0]);
            POSIX::_exit(0);
          }
          waitpid($child, 0);
          print "done\\n";
        }
        elsif ($word eq 'childkeeps') {
          # It lives as long as somebody holds the other end of this pipe, which ends with us.
          pipe(our $reader, our $writer);
          my $child = fork();
          if ($child == 0) { close $writer; close STDIN; sysread($reader, my $x, 1); POSIX::_exit(0); }
          close $reader;
          print "done\\n";
        }
        elsif ($word eq 'closeonexec') {
          use Fcntl;
          fcntl($s, F_SETFD, $rest[0] ? FD_CLOEXEC : 0) or die "fcntl: $!";
          print "done\\n";
        }
        elsif ($word eq 'chroot') { chroot($rest[0]) or die "chroot: $!"; print "done\\n"; }
        elsif ($word eq 'shutdown') { shutdown($s, 1); print "done\\n"; }
        elsif ($word eq 'exit') { POSIX::_exit(0); }
        else { print "what\\n"; }
      }
      """;

  private final Process process;
  private final BufferedReader output;
  private final Writer input;
  private final int socket;
  private final Accepting listener;

  private Peer(Accepting listener, Process process) throws IOException {
    this.listener = listener;
    this.process = process;
    this.output = process.inputReader(StandardCharsets.UTF_8);
    this.input = process.outputWriter(StandardCharsets.UTF_8);
    expect("connected");
    this.socket = listener.accept();
  }

  /** Perl as ourselves. */
  static Peer connect(Accepting listener) throws IOException {
    return connect(listener, PERL);
  }

  /** A perl that lies somewhere else, after the words of another program that starts it. */
  static Peer connect(Accepting listener, Path perl, String... launcher) throws IOException {
    List<String> command = new ArrayList<>(List.of(launcher));
    command.addAll(List.of(perl.toString(), "-e", SCRIPT, listener.address()));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    return new Peer(listener, process);
  }

  /** Our end of its connection. */
  int socket() {
    return socket;
  }

  /** Our end of one more connection; whoever asks for it closes it. */
  int acceptAgain() throws IOException {
    expect("connected");
    return listener.accept();
  }

  long pid() {
    return process.pid();
  }

  /** Has it do something, and waits until it is done. */
  void does(String command) throws IOException {
    send(command);
    expect("done");
  }

  /** Has it run another program in its place, and waits until that runs. */
  void execs(Path program, String... arguments) throws IOException {
    send("exec " + program + (arguments.length == 0 ? "" : " " + String.join(" ", arguments)));
  }

  /** Has it run {@code sh} in its place, which says so. */
  void execsShell() throws IOException {
    // No space may stand in the script: the peer splits at spaces.
    execs(Path.of("/bin/sh"), "-c", "echo${IFS}running;read${IFS}line");
    expect("running");
  }

  /** Ends it and waits until the kernel has forgotten it. */
  void ends() {
    try {
      send("exit");
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        throw new IllegalStateException("it didn't end");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  void send(String command) throws IOException {
    input.write(command + "\n");
    input.flush();
  }

  void expect(String wanted) throws IOException {
    String line = output.readLine();
    if (!wanted.equals(line)) {
      throw new IOException("said " + line + " instead of " + wanted);
    }
  }

  @Override
  public void close() {
    listener.close(socket);
    process.destroyForcibly();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
