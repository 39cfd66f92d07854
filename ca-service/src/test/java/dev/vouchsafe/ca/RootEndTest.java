package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyType;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An old root that ends while another has followed it, and one that ends or is lost before. */
class RootEndTest {
  private static final Lifetimes SHORT =
      new Lifetimes(
          Duration.ofDays(40), Duration.ofDays(30), Duration.ofHours(1), Duration.ofDays(30));

  @TempDir Path folder;

  private CaSettings settings(IssuingCaSettings.Mode issuing) {
    CaSettings plain = TestCa.settings(folder);
    return new CaSettings(
        plain.directory(),
        plain.identity(),
        SHORT,
        plain.tokens(),
        KeyType.EC_P256,
        KeyType.EC_P256,
        plain.leafKey(),
        new IssuingCaSettings(issuing, Duration.ofHours(24), Set.of()),
        OptionalLong.empty());
  }

  private RootHome home() throws Exception {
    return RootHome.in(folder, settings(IssuingCaSettings.Mode.OFF));
  }

  @ParameterizedTest
  @EnumSource(
      value = IssuingCaSettings.Mode.class,
      names = {"ON", "OFF"})
  void withTheOldRootEndsAllThatItSignedInEveryChain(IssuingCaSettings.Mode issuing)
      throws Exception {
    try (RootHome home = RootHome.in(folder, settings(issuing))) {
      home.ca.clock.pass(Duration.ofDays(20));
      home.activate();
      home.ca.clock.pass(Duration.ofDays(2));
      home.changes().retire("root-1", false);
      Instant end = home.first.getNotAfter().toInstant();
      home.ca.clock.set(end.minus(Vouchers.SOON).minusSeconds(1));
      assertThat(home.issued().isBelievedBy(home.first)).as("to the last moment").isTrue();
      home.ca.clock.set(end.minus(Vouchers.SOON));
      WholeChain after = home.issued();
      assertThat(after.isBelievedBy(home.root("root-2"))).isTrue();
      assertThat(after.isBelievedBy(home.first)).isFalse();
      assertThat(home.issued().certificates())
          .allMatch(
              it -> !it.getIssuerX500Principal().equals(home.first.getSubjectX500Principal()));
      home.ca.clock.set(end.minus(Duration.ofHours(1)));
      assertThat(home.issued().isBelievedBy(home.first)).as("the clock was wrong").isTrue();
      home.ca.clock.set(end.plusSeconds(1));
      home.ca.reopen();
      assertThat(home.issued().isBelievedBy(home.first)).as("after a start").isFalse();
    }
  }

  @Test
  void aRootByWhichThoseFollowWhoKnowOnlyTheOneBeforeItRetiresWithThatOne() throws Exception {
    try (RootHome home = home()) {
      home.ca.clock.pass(Duration.ofDays(10));
      home.activate();
      home.ca.clock.pass(Duration.ofDays(2));
      home.changes().retire("root-1", false);
      home.ca.clock.pass(Duration.ofDays(15));
      home.changes().prepare(Role.ROOT, Optional.empty());
      home.changes().publish("root-3");
      assertThat(home.issued().isBelievedBy(home.first)).as("all the time").isTrue();
      home.ca.clock.pass(RootHome.REFRESH.multipliedBy(5));
      home.changes().activate("root-3");
      home.ca.clock.pass(Duration.ofDays(2));
      assertThat(home.issued().size()).isEqualTo(4);
      assertThat(home.issued().isBelievedBy(home.first)).isTrue();
      assertThatThrownBy(() -> home.changes().retire("root-2", false))
          .hasMessageContaining(
              "those who know only what is before root-2 follow by it until 2026");
      assertThat(home.changes().rotate(Role.ROOT)).as("it waits").isEmpty();
      home.ca.clock.set(home.first.getNotAfter().toInstant());
      assertThat(home.issued().size()).isEqualTo(3);
      assertThat(home.changes().retire("root-2", false).breaks()).isEmpty();
      assertThat(home.issued().isBelievedBy(home.root("root-2"))).isTrue();
      assertThat(home.issued().isBelievedBy(home.root("root-3"))).isTrue();
    }
  }

  @Test
  void afterARootThatEndedAnotherIsMadeAndItIsSaidWhoCanNotFollow() throws Exception {
    try (RootHome home = home()) {
      home.ca.clock.set(home.first.getNotAfter().toInstant().plusSeconds(3600));
      home.ca.reopen();
      Refusals.assertRefused(Reason.AUTHORITY_UNAVAILABLE, home::issued);
      assertThatThrownBy(() -> home.changes().prepare(Role.ROOT, Optional.empty()))
          .hasMessageStartingWith("root-1 ended at 2026-12-15T")
          .hasMessageContaining("ca prepare --authority root --now");
      assertThat(home.changes().standing().root().steps().getFirst().waitsFor())
          .singleElement()
          .asString()
          .startsWith("nothing but --now: root-1 ended at");
      StepTaken prepared = home.changes().prepare(Role.ROOT, Optional.empty(), true);
      assertThat(prepared.authority().id()).isEqualTo("root-2");
      assertThat(prepared.breaks())
          .singleElement()
          .asString()
          .startsWith("those who know only root-1 (root-1 ended at ");
      assertThat(home.crosses()).isEmpty();
      home.ca.reopen();
      home.changes().publish("root-2");
      home.ca.reopen();
      assertThat(home.changes().standing().root().steps().getFirst().affects())
          .contains(
              "a device CA under it issues; those who know only root-1 can't follow: it does not"
                  + " vouch for the new one");
      StepTaken active = home.changes().activate("root-2", true);
      assertThat(active.breaks())
          .contains("those who know only root-1: it does not vouch for the new one");
      home.ca.reopen();
      assertThat(home.issued().size()).isEqualTo(2);
      assertThat(home.issued().isBelievedBy(home.root("root-2"))).isTrue();
      home.ca.clock.pass(DeviceSteps.UNDER_WAY);
      assertThat(home.changes().rotate(Role.ROOT))
          .extracting(it -> it.authority().id() + " " + it.authority().state())
          .containsExactly("root-1 RETIRED");
      assertThat(home.bundles.current().roots()).containsExactly(home.root("root-2"));
      assertThat(home.changes().rotate(Role.DEVICE)).hasSize(2);
      assertThat(home.changes().prepare(Role.ROOT, Optional.empty()).id())
          .as("and it goes on as ever")
          .isEqualTo("root-3");
    }
  }

  @Test
  void afterARootWhoseStoreIsGoneAnotherIsMadeElsewhere() throws Exception {
    try (RootHome home = home()) {
      home.ca.stores.get("root-pkcs11").setAway(true);
      Refusals.assertRefused(
          Reason.KEY_STORE_UNAVAILABLE,
          () -> home.changes().prepare(Role.ROOT, Optional.of("pkcs11")));
      StepTaken prepared = home.changes().prepare(Role.ROOT, Optional.of("pkcs11"), true);
      assertThat(prepared.breaks())
          .singleElement()
          .asString()
          .startsWith("those who know only root-1 (its key does not sign: ");
      assertThat(home.crosses()).as("the new one vouches for the old one").hasSize(1);
      home.changes().publish("root-2");
      assertThat(home.issued().isBelievedBy(home.root("root-2"))).as("OldWithNew").isTrue();
      assertThat(home.issued().isBelievedBy(home.first)).isTrue();
      assertThatThrownBy(() -> home.changes().activate("root-2"))
          .as("those who read the bundle are waited for as ever")
          .hasMessageContaining("nobody knows by name");
      home.ca.clock.pass(RootHome.REFRESH.multipliedBy(5));
      assertThatThrownBy(() -> home.changes().activate("root-2"))
          .hasMessageStartingWith("root-2 waits: those who know only root-1: it does not vouch");
      assertThat(home.changes().activate("root-2", true).breaks())
          .containsExactly("those who know only root-1: it does not vouch for the new one");
      assertThat(home.issued().size()).isEqualTo(2);
      assertThat(home.issued().isBelievedBy(home.first)).isFalse();
      home.ca.clock.pass(Duration.ofHours(2));
      home.changes().retire("root-1", false);
      home.ca.reopen();
      assertThat(home.authority("root-1").state()).isEqualTo(State.RETIRED);
      assertThat(home.issued().isBelievedBy(home.root("root-2"))).isTrue();
    }
  }

  @Test
  void aRootWhoseKeySignsWronglyIsAsGoodAsLost() throws Exception {
    try (RootHome home = home()) {
      home.ca.stores.get("root-pkcs11").behave((key, message) -> key.sign(new byte[1]));
      StepTaken prepared = home.changes().prepare(Role.ROOT, Optional.of("pkcs11"), true);
      assertThat(prepared.breaks()).singleElement().asString().contains("does not verify");
    }
  }

  @Test
  void withNowARootThatCanVouchForTheNextOneDoes() throws Exception {
    try (RootHome home = home()) {
      StepTaken prepared = home.changes().prepare(Role.ROOT, Optional.empty(), true);
      assertThat(prepared.breaks()).isEmpty();
      assertThat(home.crosses()).hasSize(2);
    }
  }

  @Test
  void rightAfterARootTookOverTheDeviceCaBeforeIsNotRetired() throws Exception {
    try (RootHome home = home()) {
      home.activate();
      assertThatThrownBy(() -> home.changes().retire("device-1", false))
          .hasMessageContaining("signed until a moment ago");
      assertThatThrownBy(() -> home.changes().retire("root-1", false))
          .hasMessageContaining("signed until a moment ago");
      home.ca.clock.pass(DeviceSteps.UNDER_WAY);
      assertThat(home.changes().retire("device-1", false).authority().state())
          .isEqualTo(State.RETIRED);
    }
  }

  @Test
  void rightAfterADeviceCaTookOverNothingUnderItsRootIsTakenForEnded() throws Exception {
    try (RootHome home = home()) {
      home.activate();
      home.ca.clock.pass(DeviceSteps.UNDER_WAY);
      assertThat(home.changes().abort("root-2", Optional.of(State.ACTIVE)).state())
          .isEqualTo(State.RETIRING);
      assertThatThrownBy(() -> home.changes().retire("device-2", false))
          .hasMessageContaining("signed until a moment ago");
      assertThatThrownBy(() -> home.changes().retire("root-2", false))
          .hasMessageContaining("signed until a moment ago");
    }
  }
}
