package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.ModuleKeys.Module;
import dev.vouchsafe.ca.ModuleKeys.Which;
import dev.vouchsafe.keys.KeyFault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** There is a way on, also where the old root is lost with all that was beside it. */
class LostRootTest {
  private static final Module MODULE = new Module("edgeHub", "1");

  @TempDir Path folder;

  @Test
  void withNowADeviceCaMovesOutOfALostStoreTogetherWithTheRootAndNothingSealedIsLost()
      throws Exception {
    try (RootHome home = RootHome.inOneStore(folder)) {
      byte[] key = home.ca.ca().moduleKeys().reveal(MODULE, Which.PRIMARY, "uid 0");
      String jwks = home.ca.ca().tokens().jwks();
      home.ca.stores.get("software").setAway(true);
      Refusals.assertRefused(
          Reason.KEY_STORE_UNAVAILABLE,
          () -> home.changes().prepare(Role.ROOT, Optional.of("pkcs11")));
      StepTaken prepared = home.changes().prepare(Role.ROOT, Optional.of("pkcs11"), true);
      assertThat(prepared.authority().keyStore()).isEqualTo("pkcs11");
      assertThat(home.authority("device-2").keyStore()).isEqualTo("pkcs11");
      assertThat(prepared.breaks())
          .singleElement()
          .asString()
          .startsWith("those who know only root-1 (its key does not sign: ");
      home.changes().publish("root-2");
      home.changes().activate("root-2", true);
      assertThat(home.issued().isBelievedBy(home.root("root-2"))).isTrue();
      home.ca.ca().close();
      home.ca.stores.close();
      home.ca.stores.refuse("software", new KeyFault.Failed("thrown away"));
      home.ca.reopen();
      assertThat(home.issued().isBelievedBy(home.root("root-2"))).isTrue();
      assertThat(home.ca.ca().moduleKeys().reveal(MODULE, Which.PRIMARY, "uid 0")).isEqualTo(key);
      assertThat(home.ca.ca().tokens().jwks()).isEqualTo(jwks);
    }
  }

  @Test
  void aDeviceCaWhoseStoreIsThereStaysInIt() throws Exception {
    try (RootHome home = RootHome.in(folder)) {
      home.ca.stores.get("root-pkcs11").setAway(true);
      home.changes().prepare(Role.ROOT, Optional.of("pkcs11"), true);
      assertThat(home.authority("root-2").keyStore()).isEqualTo("pkcs11");
      assertThat(home.authority("device-2").keyStore()).isEqualTo("software");
    }
  }

  @Test
  void aRootThatNobodyVouchesForIsActivatedOnlyByWhoSaysThatHeKnows() throws Exception {
    try (RootHome home = RootHome.in(folder)) {
      home.prepareAndPublish();
      home.ca.clock.pass(RootHome.REFRESH.multipliedBy(5));
      String newWithOld = home.crosses().getFirst();
      home.ca.ca().revocations().revoke(Revoking.serials(newWithOld));
      String breaks = "those who know only root-1: it does not vouch for the new one";
      assertThatThrownBy(() -> home.changes().activate("root-2"))
          .hasMessage("root-2 waits: " + breaks + "; or use --now");
      assertThat(home.changes().rotate(Role.ROOT)).isEmpty();
      assertThat(home.changes().standing().root().steps())
          .anySatisfy(it ->
              assertThat(it.waitsFor())
                  .contains("nothing but --now in the end: root-1 does not vouch for it"));
      assertThat(home.authority("root-2").state()).isEqualTo(State.PUBLISHED);
      assertThat(home.changes().activate("root-2", true).breaks()).containsExactly(breaks);
    }
  }

  @Test
  void aHomeThatWasMadeByAClockThatWasAheadGoesOnUnderAnotherRoot() throws Exception {
    try (RootHome home = RootHome.in(folder)) {
      home.ca.clock.set(home.ca.clock.instant().minus(Duration.ofDays(30)));
      Refusals.assertRefused(Reason.AUTHORITY_UNAVAILABLE, home::issued);
      assertThatThrownBy(() -> home.changes().prepare(Role.ROOT, Optional.empty()))
          .hasMessageStartingWith("root-1 begins at 2026-11-")
          .hasMessageContaining("--now");
      StepTaken prepared = home.changes().prepare(Role.ROOT, Optional.empty(), true);
      assertThat(prepared.breaks())
          .singleElement()
          .asString()
          .startsWith("those who know only root-1 (root-1 begins at 2026-11-");
      assertThat(home.crosses()).isEmpty();
      home.changes().publish("root-2");
      home.changes().activate("root-2", true);
      assertThat(home.authority("root-1").state()).isEqualTo(State.RETIRING);
      assertThat(home.issued().isBelievedBy(home.root("root-2"))).isTrue();
      home.ca.reopen();
      assertThat(home.issued().isBelievedBy(home.root("root-2"))).isTrue();
    }
  }
}
