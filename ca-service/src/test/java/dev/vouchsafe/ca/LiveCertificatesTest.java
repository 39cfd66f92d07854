package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.StoredKey;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the operator limits the living certificates of a registration, one more is not issued. */
class LiveCertificatesTest {
  private static final CertificateRequest IDENTITY = CertificateRequest.of(Profile.IDENTITY);
  private static final Grant HUB = TestCa.grant();
  private static final Grant OTHER =
      new Grant(
          "other",
          "1",
          Set.of(Profile.IDENTITY),
          List.of(),
          List.of(),
          Optional.of("spiffe://gw.example/other"),
          Optional.empty(),
          List.of(),
          Optional.of(Duration.ofMinutes(10)));

  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void open() throws Exception {
    CaSettings plain = TestCa.settings(folder);
    ca =
        TestCa.with(
            new CaSettings(
                plain.directory(),
                plain.identity(),
                plain.lifetimes(),
                plain.tokens(),
                plain.rootKey(),
                plain.deviceKey(),
                plain.leafKey(),
                plain.issuing(),
                OptionalLong.of(3)));
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private void refuses(Grant grant) {
    assertThatThrownBy(() -> ca.issue(grant, IDENTITY))
        .isInstanceOfSatisfying(
            IssuanceException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.TOO_MANY_CERTIFICATES))
        .hasMessageContaining("[limits] live-certificates is 3");
  }

  @Test
  void oneMoreIsRefusedAndTheLedgerKnowsNothingOfIt() throws Exception {
    for (int i = 0; i < 3; i++) {
      ca.issue(HUB, IDENTITY);
    }
    refuses(HUB);
    assertThat(
            ca.ca().certificates(new LedgerQuery(Optional.empty(), 10, Optional.empty())).items())
        .hasSize(3);
  }

  private static Grant generation(String generation) {
    return new Grant(
        HUB.module(),
        generation,
        HUB.profiles(),
        HUB.dns(),
        HUB.ip(),
        HUB.spiffeId(),
        HUB.commonName(),
        HUB.audiences(),
        HUB.ttl());
  }

  private void issueThree(Grant grant) throws IssuanceException {
    for (int i = 0; i < 3; i++) {
      ca.issue(grant, IDENTITY);
    }
  }

  @Test
  void aModuleWhoseKeysWereLostGetsOthersInTheirPlace() throws Exception {
    issueThree(HUB);

    ca.ca().revocations().revoke(Revoking.module("edgeHub", "1"));

    issueThree(generation("2"));
    refuses(generation("2"));
    ca.reopen();
    refuses(generation("2"));
  }

  @Test
  void oneThatIsRevokedBySerialMakesRoomForOne() throws Exception {
    issueThree(OTHER);
    String serial =
        ca.ca()
            .certificates(new LedgerQuery(Optional.empty(), 1, Optional.empty()))
            .items()
            .getFirst()
            .serial();

    ca.ca().revocations().revoke(Revoking.serials(serial));
    ca.ca().revocations().revoke(Revoking.serials(serial));

    ca.issue(OTHER, IDENTITY);
    refuses(OTHER);
  }

  @Test
  void whatARevokedAuthoritySignedDoesNotCount() throws Exception {
    issueThree(OTHER);
    ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.empty());
    ca.ca().changes().activate("device-2");
    refuses(OTHER);

    ca.ca()
        .revocations()
        .revoke(
            Revoking.order(
                new RevocationOrder.Target.Authority("device-1", false),
                RevocationReason.CA_COMPROMISE));

    issueThree(OTHER);
    refuses(OTHER);
    ca.reopen();
    refuses(OTHER);
  }

  @Test
  void anotherRegistrationHasItsOwn() throws Exception {
    for (int i = 0; i < 3; i++) {
      ca.issue(HUB, IDENTITY);
    }
    ca.issue(OTHER, IDENTITY);
    refuses(HUB);
  }

  @Test
  void whenOneHasEndedThereIsRoomForOne() throws Exception {
    for (int i = 0; i < 3; i++) {
      ca.issue(OTHER, IDENTITY);
    }
    ca.clock.pass(Duration.ofMinutes(9));
    refuses(OTHER);
    ca.clock.pass(Duration.ofMinutes(2));
    for (int i = 0; i < 3; i++) {
      ca.issue(OTHER, IDENTITY);
    }
    refuses(OTHER);
  }

  @Test
  void aRestartForgetsNone() throws Exception {
    ca.issue(HUB, IDENTITY);
    ca.issue(OTHER, IDENTITY);
    ca.clock.pass(Duration.ofMinutes(11));
    ca.issue(HUB, IDENTITY);
    ca.reopen();
    ca.issue(HUB, IDENTITY);
    refuses(HUB);
    for (int i = 0; i < 3; i++) {
      ca.issue(OTHER, IDENTITY);
    }
    refuses(OTHER);
  }

  @Test
  void whatWasNotSignedDoesNotCount() throws Exception {
    ca.issue(HUB, IDENTITY);
    ca.store.behave((key, message) -> {
      throw new KeyFault.Unavailable("unplugged by the test");
    });
    for (int i = 0; i < 5; i++) {
      assertThatThrownBy(() -> ca.issue(HUB, IDENTITY))
          .isInstanceOfSatisfying(
              IssuanceException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.KEY_STORE_UNAVAILABLE));
    }
    ca.store.behave(StoredKey::sign);
    ca.issue(HUB, IDENTITY);
    ca.reopen();
    ca.issue(HUB, IDENTITY);
    refuses(HUB);
  }

  @Test
  void manyAtOnceGetNoMoreThanThereAre() {
    AtomicInteger issued = new AtomicInteger();
    IntStream.range(0, 40)
        .mapToObj(i -> ca.ca().issue(HUB, IDENTITY))
        .toList()
        .forEach(each -> {
          if (each.handle((certificate, failure) -> failure == null).join()) {
            issued.incrementAndGet();
          }
        });
    assertThat(issued).hasValue(3);
  }
}
