package dev.vouchsafe.tests;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** A TLS server of the machine that was given a certificate of ours. */
final class TlsServer implements AutoCloseable {
  private static final Duration LONGEST_START = Duration.ofSeconds(20);
  private static final Duration BETWEEN_LOOKS = Duration.ofMillis(10);

  private final Process process;
  private final int port;

  private TlsServer(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  int port() {
    return port;
  }

  /** {@code openssl s_server}, which answers with a page about the connection. */
  static TlsServer openssl(Path credentials, Path folder) throws IOException {
    int port = freePort();
    return start(
        folder,
        port,
        List.of(
            "openssl",
            "s_server",
            "-www",
            "-quiet",
            "-accept",
            "127.0.0.1:" + port,
            "-cert",
            credentials.resolve("certificate.pem").toString(),
            "-cert_chain",
            credentials.resolve("certificate.pem").toString(),
            "-key",
            credentials.resolve("key.pem").toString()));
  }

  static TlsServer nginx(Path credentials, Path folder) throws IOException {
    int port = freePort();
    Path configuration = folder.resolve("nginx.conf");
    Files.writeString(
        configuration,
        """
        daemon off;
        master_process off;
        pid %1$s/nginx.pid;
        error_log stderr warn;
        events {}
        http {
          access_log off;
          client_body_temp_path %1$s/body;
          proxy_temp_path %1$s/proxy;
          fastcgi_temp_path %1$s/fastcgi;
          uwsgi_temp_path %1$s/uwsgi;
          scgi_temp_path %1$s/scgi;
          server {
            listen 127.0.0.1:%2$d ssl;
            ssl_certificate %3$s/certificate.pem;
            ssl_certificate_key %3$s/key.pem;
            location / { return 200 "served"; }
          }
        }
        """
            .formatted(folder, port, credentials));
    return start(
        folder,
        port,
        List.of("/usr/sbin/nginx", "-p", folder.toString(), "-c", configuration.toString()));
  }

  static TlsServer mosquitto(Path credentials, Path folder) throws IOException {
    int port = freePort();
    Path configuration = folder.resolve("mosquitto.conf");
    Files.writeString(
        configuration,
        """
        listener %1$d 127.0.0.1
        user root
        allow_anonymous true
        certfile %2$s/certificate.pem
        keyfile %2$s/key.pem
        """
            .formatted(port, credentials));
    return start(folder, port, List.of("/usr/sbin/mosquitto", "-c", configuration.toString()));
  }

  private static TlsServer start(Path folder, int port, List<String> command) throws IOException {
    Path log = folder.resolve("server.log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    long end = System.nanoTime() + LONGEST_START.toNanos();
    while (!accepts(port)) {
      if (!process.isAlive() || System.nanoTime() > end) {
        process.destroyForcibly();
        throw new AssertionError(command + " does not listen: " + Files.readString(log));
      }
      LockSupport.parkNanos(BETWEEN_LOOKS.toNanos());
    }
    return new TlsServer(process, port);
  }

  private static boolean accepts(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
