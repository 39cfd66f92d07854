package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A PKCS#11 library in a helper process of one store: {@code p11-kit server} in front of the
 * vendor's library, and in this process p11-kit's own client of it, which talks to that server by a
 * socket in a folder that only we can enter.
 *
 * <p>Why p11-kit: it is the field's own remote protocol of PKCS#11, ready-made, small and packaged
 * everywhere; the server runs the vendor's code in a process for each client. A PIN goes through
 * C_Login and that socket, and nowhere else.
 */
final class HelperLibrary implements LibrarySource {
  private static final List<Path> SETPRIV = List.of(Path.of("/usr/bin/setpriv"));
  private static final List<Path> P11_KIT = List.of(Path.of("/usr/bin/p11-kit"));
  private static final List<Path> CLIENT =
      List.of(
          Path.of("/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so"),
          Path.of("/usr/lib/aarch64-linux-gnu/pkcs11/p11-kit-client.so"),
          Path.of("/usr/lib64/pkcs11/p11-kit-client.so"),
          Path.of("/usr/lib/pkcs11/p11-kit-client.so"));

  /** What a socket's name may have, without the zero at its end (unix(7)). */
  private static final int LONGEST_SOCKET = 107;

  private static final long STARTING = TimeUnit.SECONDS.toNanos(2);
  private static final long BETWEEN_LOOKS = TimeUnit.MILLISECONDS.toNanos(2);

  private final Path modulePath;
  private final SecureFiles files;
  private @Nullable CryptokiLibrary library;
  private @Nullable HelperFolder folder;
  private @Nullable HelperProcess process;
  private boolean closed;

  HelperLibrary(Path modulePath, SecureFiles files) {
    this.modulePath = modulePath;
    this.files = files;
  }

  @Override
  public synchronized CryptokiLibrary library() throws KeyFault {
    if (closed) {
      throw new KeyFault.Unavailable("the key store is closed");
    }
    CryptokiLibrary started = library;
    HelperProcess running = process;
    if (started == null || running == null) {
      return start();
    }
    if (!running.isThere()) {
      throw new KeyFault.Unavailable(notThere(running));
    }
    return started;
  }

  private CryptokiLibrary start() throws KeyFault {
    Path module = CryptokiLibrary.checked(modulePath, files);
    Path setpriv = program(SETPRIV, "setpriv", "util-linux");
    Path p11kit = program(P11_KIT, "p11-kit", "p11-kit");
    Path client = program(CLIENT, "p11-kit-client.so", "p11-kit-modules");
    Path socket = socket();
    CryptokiLibrary loaded = CryptokiLibrary.behind(client, socket, modulePath);
    HelperProcess started =
        new HelperProcess(
            List.of(
                setpriv.toString(),
                "--pdeathsig",
                "KILL",
                p11kit.toString(),
                "server",
                "--foreground",
                "--name",
                socket.toString(),
                "--provider",
                module.toString(),
                "pkcs11:"),
            socket,
            modulePath,
            loaded.calls()::hangs);
    library = loaded;
    process = started;
    started.start();
    long end = System.nanoTime() + STARTING;
    while (!started.listens()) {
      if (System.nanoTime() - end > 0) {
        throw new KeyFault.Unavailable(notThere(started));
      }
      LockSupport.parkNanos(BETWEEN_LOOKS);
    }
    return loaded;
  }

  private String notThere(HelperProcess helper) {
    return "the helper process of module-path " + modulePath + " is not there" + helper.lastWords();
  }

  private Path program(List<Path> places, String name, String debian) throws KeyFault.Failed {
    for (Path place : places) {
      if (Files.exists(place)) {
        try {
          Path real = place.toRealPath();
          files.checkProgram(real);
          return real;
        } catch (IOException e) {
          throw new KeyFault.Failed(place + ", which pkcs11-helper needs, can't be read", e);
        }
      }
    }
    throw new KeyFault.Failed(
        name + ", which pkcs11-helper needs, is not there: install " + debian + " (Debian)");
  }

  /** In a folder of its own; what was left of an earlier start is not used. */
  private Path socket() throws KeyFault {
    try {
      HelperFolder made = folder;
      if (made == null) {
        made = HelperFolder.make(files);
        folder = made;
      }
      Path socket = made.socket();
      if (socket.toString().length() > LONGEST_SOCKET) {
        throw new KeyFault.Failed(
            socket + " is too long for a socket: set java.io.tmpdir to a shorter folder");
      }
      return socket;
    } catch (IOException e) {
      throw SecureFiles.fault("the folder of the PKCS#11 helper can't be made", e);
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (process != null) {
      process.close();
    }
    if (folder != null) {
      folder.close();
    }
  }
}
