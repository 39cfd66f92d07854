# Asks once: ask.pl SOCKET REQUEST. A script: what the kernel shows of it is the interpreter.
use strict;
use warnings;
use IO::Socket::UNIX;

my $socket = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connect: $!";
syswrite($socket, $ARGV[1]);
sysread($socket, my $answer, 65536);
my $status = $answer =~ m{^HTTP/1\.1 (\d+)} ? $1 : 0;
print "answer $status\n";
