package dev.vouchsafe.attestation;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * Looks at callers three times: when their connection is accepted, when they are measured against a
 * registration, and once more just before the answer (docs/architecture.md, "The three looks").
 * Safe for use by many threads; one caller is used by one thread at a time.
 */
public interface Attestor extends AutoCloseable {
  /**
   * Has the kernel note who writes to the connections of a Unix socket, for {@link #next}. To be
   * called before it listens: what is written before it is accepted counts as well.
   *
   * @param listener descriptor number of the socket
   * @throws IOException if the kernel won't
   */
  void noteWriters(int listener) throws IOException;

  /**
   * Who wrote what is read next from a connection, as far as one read goes: none takes the octets
   * of two writers. Never waits, so that an event loop may ask before each read.
   *
   * @param socket descriptor number of a socket that a listener accepted whose writers are noted
   * @param likely the process that connected; answered, the very object, if it wrote them
   */
  Written next(int socket, Written.By likely);

  /**
   * The first look.
   *
   * @param socket descriptor number of the accepted Unix socket; it stays the caller's own
   * @throws CallerUnknownException if the kernel can't name the process, or it has gone already
   */
  Caller accept(int socket) throws CallerUnknownException;

  /**
   * Whose the other end of a TCP connection over loopback is, by the kernel's table alone; a few
   * microseconds, so that an event loop may ask before anything else is done for a connection.
   *
   * @param own our address
   * @param other the caller's
   * @return the user id of whoever made the socket
   * @throws CallerUnknownException if the kernel knows of no such connection in our network
   *     namespace
   */
  long owner(InetSocketAddress own, InetSocketAddress other) throws CallerUnknownException;

  /**
   * The first look at a process of this machine that connected by TCP over loopback. The tables of
   * its user's processes are searched for the connection, which may take milliseconds. Later looks
   * ask as well whether it still holds the connection, alone among its user's processes.
   *
   * <p>A proxy makes others look like itself: what is attested is the process that holds this
   * connection, whoever asked it.
   *
   * @param socket descriptor number of the accepted TCP socket; it stays the caller's own
   * @param own our address
   * @param other the caller's
   * @throws CallerUnknownException if not exactly one process holds it, or that can't be told
   */
  Caller accept(int socket, InetSocketAddress own, InetSocketAddress other)
      throws CallerUnknownException;

  /**
   * The second look: measures only what the registration asks for. It asks all that {@link
   * #confirm} asks too, and last whether the caller is alive, so that where nothing but this lies
   * before an answer it is the last look as well.
   */
  Verdict measure(Caller caller, Registration registration);

  /**
   * The second look at several callers, against one registration. Where they are connections of one
   * process, what they have in common is measured once, after this was called.
   *
   * @return what {@link #measure(Caller, Registration)} would say of each, in their order
   */
  List<Verdict> measure(List<Caller> callers, Registration registration);

  /**
   * The third look, just before the answer: the caller is alive and its executable, credentials and
   * cgroup are those of the first look.
   *
   * @param verdict what the second look found
   * @return {@code verdict} if all still holds, otherwise why not
   */
  Verdict confirm(Caller caller, Verdict.Attested verdict);

  /**
   * How a process stands to a registration: every selector is measured, whatever the others say.
   * May take as long as the slowest of them.
   *
   * @param pid process id in our pid namespace
   * @throws CallerUnknownException if there is no such process, or it ended meanwhile
   */
  Explanation explain(int pid, Registration registration) throws CallerUnknownException;

  /**
   * What the caller looks like, for the record of a decision; a few microseconds. It takes no part
   * in the decision.
   */
  default CallerDescription describe(Caller caller) {
    return CallerDescription.UNKNOWN;
  }

  /** What can't be seen or ruled out on this kernel and with these rights, for {@code check}. */
  List<String> limits();

  @Override
  void close();
}
