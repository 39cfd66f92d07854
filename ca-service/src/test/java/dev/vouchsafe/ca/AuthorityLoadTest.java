package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jwt.SignedJWT;
import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.IssuingCaSettings.Mode;
import dev.vouchsafe.ca.ModuleKeys.Module;
import dev.vouchsafe.ca.ModuleKeys.Which;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The device CA moves from store to store under constant load, and nobody is refused. */
class AuthorityLoadTest {
  private static final int MOVES = 20;
  private static final Module MODULE = new Module("edgeHub", "1");

  @TempDir Path folder;

  private final AtomicBoolean over = new AtomicBoolean();
  private final Queue<Exception> failures = new ConcurrentLinkedQueue<>();
  private final Queue<IssuedCertificate> issued = new ConcurrentLinkedQueue<>();
  private final Set<String> kids = ConcurrentHashMap.newKeySet();

  /** One thing that a module asks for. */
  private interface Asking {
    void ask() throws Exception;
  }

  private Thread constantly(Asking asking) {
    return Thread.ofPlatform()
        .start(() -> {
          while (!over.get()) {
            try {
              asking.ask();
            } catch (Exception e) {
              failures.add(e);
            }
          }
        });
  }

  @ParameterizedTest
  @EnumSource(
      value = Mode.class,
      names = {"OFF", "ON"})
  void twentyMovesRefuseNobody(Mode mode) throws Exception {
    IssuingCaSettings issuing = new IssuingCaSettings(mode, Duration.ofHours(24), Set.of());
    try (TestCa ca = TestCa.with(TestCa.settings(folder, issuing))) {
      byte[] signature = ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, new byte[1]);
      Asking certificate =
          () -> issued.add(ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)));
      Asking token =
          () -> {
            String text = ca.token(TokensTest.grant("hub"), TokensTest.request("hub")).token();
            kids.add(SignedJWT.parse(text).getHeader().getKeyID());
          };
      Asking sign =
          () ->
              assertThat(ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, new byte[1]))
                  .isEqualTo(signature);
      List<Thread> threads =
          List.of(
              constantly(certificate),
              constantly(certificate),
              constantly(token),
              constantly(sign));
      Set<X509Certificate> devices = ConcurrentHashMap.newKeySet();
      devices.add(ca.device());
      try {
        for (int move = 0; move < MOVES; move++) {
          String store = move % 2 == 0 ? "pkcs11" : "software";
          String id = ca.ca().changes().prepare(Role.DEVICE, Optional.of(store)).id();
          devices.add(ca.ca().changes().activate(id).certificate());
          IssuedCertificate after = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER));
          assertThat(TestCa.chain(after)).hasSize(mode == Mode.ON ? 3 : 2);
          assertThat(TestCa.chain(after).getLast()).isEqualTo(ca.device());
        }
      } finally {
        over.set(true);
        for (Thread thread : threads) {
          thread.join();
        }
      }
      assertThat(failures).isEmpty();
      assertThat(kids).hasSize(1);
      assertEachVerifies(new ArrayList<>(devices), ca.root());
    }
  }

  private void assertEachVerifies(List<X509Certificate> devices, X509Certificate root)
      throws Exception {
    assertThat(devices).hasSize(MOVES + 1);
    assertThat(issued).isNotEmpty();
    for (IssuedCertificate one : issued) {
      List<X509Certificate> chain = TestCa.chain(one);
      assertThat(devices).contains(chain.getLast());
      for (int i = 0; i + 1 < chain.size(); i++) {
        chain.get(i).verify(chain.get(i + 1).getPublicKey());
      }
      chain.getLast().verify(root.getPublicKey());
    }
  }
}
