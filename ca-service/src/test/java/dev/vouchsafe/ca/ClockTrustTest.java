package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Kind;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.IssuingCaSettings.Mode;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.ca.clock.TrustedClock.Trust;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is issued, and what is not, while the time is not trusted, and when it is again. */
class ClockTrustTest {
  private static final Duration DAY = Duration.ofHours(24);
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);
  private static final TokenRequest TOKEN =
      new TokenRequest(List.of("hub.example"), Optional.of(DAY));

  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.with(TestCa.settings(folder, new IssuingCaSettings(Mode.ON, DAY, Set.of())));
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private static Grant grant() {
    Grant plain = TestCa.grantFor(Duration.ofDays(30));
    return new Grant(
        plain.module(),
        plain.generation(),
        plain.profiles(),
        plain.dns(),
        plain.ip(),
        plain.spiffeId(),
        plain.commonName(),
        List.of("hub.example"),
        plain.ttl());
  }

  private Instant now() {
    return ca.clock.instant().truncatedTo(ChronoUnit.SECONDS);
  }

  private static void assertUntrusted(Throwable thrown) {
    assertThat(thrown).isInstanceOf(IssuanceException.class);
    Reason reason = ((IssuanceException) thrown).reason();
    assertThat(reason).isEqualTo(Reason.CLOCK_UNTRUSTED);
    assertThat(reason.kind()).isEqualTo(Kind.UNAVAILABLE);
  }

  @Test
  void boundedIssuanceGivesAnHourAndWantsTheNextOneSoon() throws Exception {
    assertThat(ca.issue(grant(), REQUEST).notAfter()).isEqualTo(now().plus(Duration.ofDays(30)));
    ca.clock.trust(Trust.BOUNDED);
    IssuedCertificate leaf = ca.issue(grant(), REQUEST);
    IssuedToken token = ca.token(grant(), TOKEN);
    assertThat(leaf.notAfter()).isEqualTo(now().plus(TrustedClock.LONGEST_UNTRUSTED));
    assertThat(token.expiresAt()).isEqualTo(now().plus(TrustedClock.LONGEST_UNTRUSTED));
    for (Instant renewal : List.of(leaf.renewAfter(), token.renewAfter())) {
      assertThat(renewal)
          .isBetween(now().plus(Duration.ofMinutes(8)), now().plus(Duration.ofMinutes(12)));
    }
    ca.clock.trust(Trust.TRUSTED);
    assertThat(ca.issue(grant(), REQUEST).notAfter()).isEqualTo(now().plus(Duration.ofDays(30)));
    assertThat(ca.token(grant(), TOKEN).expiresAt()).isEqualTo(now().plus(DAY));
  }

  @Test
  void aShortLifeIsLeftAsItIsWhileTheTimeIsNotTrusted() throws Exception {
    ca.clock.trust(Trust.BOUNDED);
    IssuedCertificate leaf = ca.issue(TestCa.grantFor(Duration.ofMinutes(6)), REQUEST);
    assertThat(leaf.notAfter()).isEqualTo(now().plus(Duration.ofMinutes(6)));
    assertThat(leaf.renewAfter()).isBefore(now().plus(Duration.ofMinutes(4)));
  }

  @Test
  void stoppedIssuanceIsUnavailableAndTheModulesKeysGoOn() throws Exception {
    ca.clock.trust(Trust.STOPPED);
    assertThatThrownBy(() -> ca.issue(grant(), REQUEST)).satisfies(ClockTrustTest::assertUntrusted);
    assertThatThrownBy(() -> ca.token(grant(), TOKEN)).satisfies(ClockTrustTest::assertUntrusted);
    assertThat(
            ca.ca()
                .moduleKeys()
                .sign(
                    new ModuleKeys.Module("edgeHub", "1"), ModuleKeys.Which.PRIMARY, new byte[] {1})
                .length)
        .isEqualTo(32);
    ca.clock.trust(Trust.TRUSTED);
    assertThat(ca.issue(grant(), REQUEST).serial()).isNotEmpty();
    assertThat(ca.token(grant(), TOKEN).token()).isNotEmpty();
  }

  @Test
  void noAuthorityIsMadeForYearsByATimeThatIsNotTrusted() throws Exception {
    for (Trust trust : List.of(Trust.BOUNDED, Trust.STOPPED)) {
      ca.clock.trust(trust);
      assertThatThrownBy(() -> ca.ca().changes().prepare(Role.DEVICE, Optional.empty()))
          .satisfies(ClockTrustTest::assertUntrusted);
    }
    assertThat(ca.ca().authorities()).noneMatch(it -> it.state() == State.PREPARED);
    ca.clock.trust(Trust.TRUSTED);
    assertThat(ca.ca().changes().prepare(Role.DEVICE, Optional.empty()).id())
        .as("no generation was used up")
        .isEqualTo("device-2");
  }

  private X509Certificate issuer() throws Exception {
    return TestCa.chain(ca.issue(TestCa.grant(), REQUEST)).get(1);
  }

  @Test
  void theIssuingCaIsMadeAnewWhenTheTimeIsTrustedAgain() throws Exception {
    X509Certificate first = issuer();
    ca.clock.trust(Trust.BOUNDED);
    assertThat(issuer()).as("the loss of trust alone changes nothing").isEqualTo(first);
    ca.clock.trust(Trust.TRUSTED);
    // Nobody has to ask for it: the change itself has it made.
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (ca.ca().authorities().stream().noneMatch(it -> it.id().equals("issuing-2"))
        && System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    X509Certificate second = issuer();
    while (second.equals(first) && System.nanoTime() < end) {
      second = issuer();
    }
    assertThat(second).isNotEqualTo(first);
    assertThat(second.getSubjectX500Principal()).isNotEqualTo(first.getSubjectX500Principal());
    assertThat(issuer()).as("once, and not each time").isEqualTo(second);
  }

  @Test
  void onAPoisonedFloorAfterTheDeviceCasEndTheClockIsNamedAndNotTheAuthority() throws Exception {
    ca.clock.set(TestCa.NOW.plus(Duration.ofDays(5000)));
    ca.clock.trust(Trust.BOUNDED);
    assertThatThrownBy(() -> ca.issue(grant(), REQUEST)).satisfies(ClockTrustTest::assertUntrusted);
    ca.clock.set(TestCa.NOW);
    ca.clock.trust(Trust.TRUSTED);
    assertThat(ca.issue(grant(), REQUEST).serial()).isNotEmpty();
  }

  private static List<String> kids(String jwks) {
    return Pattern.compile("\"kid\":\"([^\"]+)\"")
        .matcher(jwks)
        .results()
        .map(found -> found.group(1))
        .toList();
  }

  @Test
  void tenYearsForwardAndBackTo1970TakeNothingOutOfTheLedger() throws Exception {
    String serial = ca.issue(grant(), REQUEST).serial();
    String keys = ca.ca().tokens().jwks();
    List<String> authorities = ca.ca().authorities().stream().map(AuthorityInfo::id).toList();
    for (Instant moved : List.of(TestCa.NOW.plus(Duration.ofDays(3653)), Instant.EPOCH)) {
      ca.clock.set(moved);
      ca.clock.trust(Trust.BOUNDED);
      ca.reopen();
      assertThat(ca.ca().certificate(serial)).isPresent();
    }
    ca.clock.set(TestCa.NOW);
    ca.clock.trust(Trust.TRUSTED);
    ca.reopen();
    assertThat(ca.ca().certificate(serial)).isPresent();
    assertThat(kids(ca.ca().tokens().jwks())).hasSizeGreaterThan(1).containsAll(kids(keys));
    assertThat(ca.ca().authorities().stream().map(AuthorityInfo::id).toList())
        .containsAll(authorities.stream().filter(id -> !id.startsWith("issuing")).toList());
    assertThat(ca.token(grant(), TOKEN).token()).isNotEmpty();
  }

  @Test
  void theNewestSerialNumberTellsWhichMomentHasPassed() throws Exception {
    ca.clock.set(TestCa.NOW.plusSeconds(3600));
    ca.issue(grant(), REQUEST);
    ca.clock.set(TestCa.NOW);
    ca.issue(grant(), REQUEST);
    ca.ca().close();
    assertThat(CertificateAuthorities.newest(ca.settings.directory()))
        .contains(TestCa.NOW.plusSeconds(3600));
    assertThatThrownBy(() -> CertificateAuthorities.newest(folder.resolve("none")))
        .isInstanceOf(IOException.class);
  }

  @Test
  void aNewCasAuthoritiesTellAMomentToo() throws Exception {
    CaSettings settings = TestCa.settings(folder.resolve("new"));
    assertThat(folder.resolve("new").toFile().mkdir()).isTrue();
    try (InsecureStores stores = TestCa.stores(settings)) {
      CertificateAuthorities.create(settings, stores, TestCa.CRYPTO, () -> TestCa.NOW);
    }
    assertThat(CertificateAuthorities.newest(settings.directory())).contains(TestCa.NOW);
  }
}
