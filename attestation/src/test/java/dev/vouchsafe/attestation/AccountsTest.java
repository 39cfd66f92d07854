package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class AccountsTest {
  private static final Duration PATIENT = Duration.ofSeconds(60);
  private static final Duration HASTY = Duration.ofMillis(1);

  /** Accounts that tests make, and a service that fails or hangs when told to. */
  private static final class Service implements AccountNames {
    final Map<String, Long> ids = new ConcurrentHashMap<>();
    volatile boolean fails;
    volatile CountDownLatch gate = new CountDownLatch(0);

    @Override
    public OptionalLong id(Kind kind, String name) throws IOException {
      try {
        gate.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      if (fails) {
        throw new IOException("no answer");
      }
      Long id = ids.get(name);
      return id == null ? OptionalLong.empty() : OptionalLong.of(id);
    }
  }

  private final Service service = new Service();

  private static Accounts.Name user(String name) {
    return new Accounts.Name(AccountNames.Kind.USER, name);
  }

  private static RegistrationSet set(Accounts accounts, String... selectors) {
    List<Registration> registrations =
        List.of(selectors).stream().map(s -> Samples.registration(s, s)).toList();
    return new IndexedSet(registrations, List.of(), List.of(), accounts);
  }

  private static List<String> names(List<Registration> registrations) {
    return registrations.stream().map(Registration::name).toList();
  }

  @Test
  void aNameThatGetsAnotherIdIsSomebodyElseAfterTheNextRefresh() {
    service.ids.put("ann", 7L);
    try (Accounts accounts = new Accounts(service, PATIENT)) {
      RegistrationSet set = set(accounts, "unix:user:ann", "unix:uid:8", "unix:user:bob");
      assertThat(names(set.candidates(7))).containsExactly("unix:user:ann");
      assertThat(names(set.candidates(8))).containsExactly("unix:uid:8");
      service.ids.put("ann", 8L);
      service.ids.put("bob", 7L);
      accounts.refresh();
      assertThat(names(set.candidates(7))).containsExactly("unix:user:bob");
      assertThat(names(set.candidates(8))).containsExactly("unix:uid:8", "unix:user:ann");
      service.ids.remove("ann");
      accounts.refresh();
      assertThat(names(set.candidates(8))).containsExactly("unix:uid:8");
    }
  }

  @Test
  void whatCantBeToldRulesNobodyOut() {
    service.fails = true;
    try (Accounts accounts = new Accounts(service, PATIENT)) {
      RegistrationSet set = set(accounts, "unix:user:ann", "unix:uid:8");
      assertThat(names(set.candidates(7))).containsExactly("unix:user:ann");
      assertThat(names(set.candidates(8))).containsExactly("unix:uid:8", "unix:user:ann");
      assertThat(accounts.get(user("ann"))).isInstanceOf(Resolution.Unknown.class);
    }
  }

  @Test
  void aFailureAfterSuccessKeepsWhatWasKnown() {
    service.ids.put("ann", 7L);
    try (Accounts accounts = new Accounts(service, PATIENT)) {
      assertThat(accounts.get(user("ann"))).isEqualTo(new Resolution.Id(7));
      service.fails = true;
      accounts.refresh();
      assertThat(accounts.get(user("ann"))).isEqualTo(new Resolution.Id(7));
    }
  }

  @Test
  void aServiceThatHangsMakesNobodyWaitTwice() {
    service.gate = new CountDownLatch(1);
    service.ids.put("ann", 7L);
    try (Accounts accounts = new Accounts(service, HASTY)) {
      assertThat(accounts.get(user("ann"))).isInstanceOf(Resolution.Unknown.class);
      assertThat(accounts.get(user("ann"))).isInstanceOf(Resolution.Unknown.class);
      service.gate.countDown();
      Resolution resolution;
      do {
        resolution = accounts.get(user("ann"));
      } while (resolution instanceof Resolution.Unknown);
      assertThat(resolution).isEqualTo(new Resolution.Id(7));
    }
  }

  @Test
  void contradictoryUsersAreNobody() {
    try (Accounts accounts = new Accounts(service, PATIENT)) {
      Registration both = Samples.registration("m", "unix:uid:7", "unix:uid:8");
      RegistrationSet set = new IndexedSet(List.of(both), List.of(), List.of(), accounts);
      assertThat(set.candidates(7)).isEmpty();
      assertThat(set.candidates(8)).isEmpty();
      assertThat(set.byName("m")).contains(both);
    }
  }

  @Test
  void theSystemsOwnAccountsAreFound() throws IOException {
    AccountNames names = new LibcAccountNames();
    assertThat(names.id(AccountNames.Kind.USER, "root")).hasValue(0);
    assertThat(names.id(AccountNames.Kind.GROUP, "root")).hasValue(0);
    assertThat(names.id(AccountNames.Kind.USER, "nobody")).hasValue(65534);
    assertThat(names.id(AccountNames.Kind.USER, "no-such-user")).isEmpty();
    assertThat(names.id(AccountNames.Kind.GROUP, "no-such-group")).isEmpty();
  }
}
