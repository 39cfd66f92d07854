package dev.vouchsafe.tests;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Clients that ask for certificates all the time and look at each answer: a certificate is verified
 * up to the root and against its private key, and all else must be an honest "unavailable".
 */
final class BlinkLoad {
  private static final long BETWEEN_ASKS = TimeUnit.MILLISECONDS.toNanos(15);
  private static final Duration LONGEST_END = Duration.ofSeconds(60);

  /**
   * One answer.
   *
   * @param asked when it was asked for, by {@link System#nanoTime}
   * @param answered when it was there
   * @param certificate whether it is one, else "unavailable"
   */
  record Seen(long asked, long answered, boolean certificate) {
    Duration took() {
      return Duration.ofNanos(answered - asked);
    }
  }

  private final Queue<Seen> seen = new ConcurrentLinkedQueue<>();
  private final Queue<String> surprises = new ConcurrentLinkedQueue<>();
  private final List<Thread> clients = new ArrayList<>();
  private final List<X509Certificate> roots;
  private volatile boolean ended;

  private BlinkLoad(List<X509Certificate> roots) {
    this.roots = roots;
  }

  static BlinkLoad start(Path socket, int clients, List<X509Certificate> roots) {
    BlinkLoad load = new BlinkLoad(roots);
    for (int i = 0; i < clients; i++) {
      load.clients.add(Thread.ofPlatform().daemon().start(() -> load.ask(socket)));
    }
    return load;
  }

  private void ask(Path socket) {
    try (UnixHttp connection = new UnixHttp(socket)) {
      while (!ended) {
        long asked = System.nanoTime();
        UnixHttp.Answer answer = connection.post("/v1/certificates", "{\"profile\":\"server\"}");
        long answered = System.nanoTime();
        boolean certificate = answer.status() == 201;
        String wrong = certificate ? wrongIn(answer) : wrongUnavailable(answer);
        if (!wrong.isEmpty()) {
          surprises.add(wrong + ": " + answer.status() + " " + answer.body());
        }
        seen.add(new Seen(asked, answered, certificate));
        LockSupport.parkNanos(BETWEEN_ASKS);
      }
    } catch (IOException e) {
      surprises.add("a connection was cut: " + e);
    }
  }

  private static String wrongUnavailable(UnixHttp.Answer answer) throws IOException {
    if (answer.status() != 503) {
      return "neither a certificate nor unavailable";
    }
    if (!answer.header("retry-after").matches("[1-9]\\d*") || answer.text("code").isEmpty()) {
      return "unavailable without a time or a code";
    }
    return "";
  }

  private String wrongIn(UnixHttp.Answer answer) throws IOException {
    try {
      List<X509Certificate> chain = Certificates.read(answer.text("certificate"));
      Certificates.verify(chain, roots);
      byte[] message = answer.text("serial").getBytes(StandardCharsets.US_ASCII);
      Signature signer = Signature.getInstance("SHA256withECDSA");
      signer.initSign(key(answer.text("privateKey")));
      signer.update(message);
      byte[] signature = signer.sign();
      signer.initVerify(chain.getFirst());
      signer.update(message);
      return signer.verify(signature) ? "" : "a key that is not the certificate's";
    } catch (GeneralSecurityException e) {
      return "a certificate that does not verify (" + e + ")";
    }
  }

  private static PrivateKey key(String pem) throws GeneralSecurityException {
    String base64 = pem.replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
    return KeyFactory.getInstance("EC")
        .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64)));
  }

  /** All answers so far. */
  List<Seen> seen() {
    return List.copyOf(seen);
  }

  /** What no answer should have been. */
  List<String> surprises() {
    return List.copyOf(surprises);
  }

  /** Ends the clients, each after the answer that it waits for. */
  void end() throws InterruptedException {
    ended = true;
    for (Thread client : clients) {
      if (!client.join(LONGEST_END)) {
        surprises.add("a client still waits for an answer");
      }
    }
  }
}
