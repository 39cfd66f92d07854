package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.cli.AuthorityStandings.Standing;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** How bad it is that a store or a key does not work. */
class AuthorityStandingsTest {
  private static AuthorityStandings of(Standing... all) {
    return new AuthorityStandings(Optional.of(List.of(all)));
  }

  private static Standing device(int generation, String state, String keyStore) {
    return new Standing("device-" + generation, "device", state, keyStore);
  }

  @Test
  void theStoreOfTheActiveDeviceCaIsNeededAndNoOther() {
    AuthorityStandings all =
        of(
            new Standing("root-1", "root", "active", "root-pkcs11"),
            device(1, "retired", "tpm"),
            device(2, "retiring", "software"),
            device(3, "active", "pkcs11"));
    assertThat(all.dispensable(KeyStoreName.PKCS11)).isEmpty();
    assertThat(all.dispensable(KeyStoreName.ROOT_PKCS11))
        .contains("in it: root-1 (active); the device CA does not need it");
    assertThat(all.dispensable(KeyStoreName.SOFTWARE))
        .contains("in it: device-2 (retiring); the device CA does not need it");
    assertThat(all.dispensable(KeyStoreName.TPM)).contains("no authority is in it");
    assertThat(all.isNeeded("device-3")).isTrue();
    for (String other : List.of("root-1", "device-1", "device-2", "device-4")) {
      assertThat(all.isNeeded(other)).isFalse();
    }
  }

  @Test
  void aStoreThatHoldsTheRootAsWellIsNeededForTheDeviceCa() {
    AuthorityStandings all =
        of(new Standing("root-1", "root", "active", "tpm"), device(1, "active", "tpm"));
    assertThat(all.dispensable(KeyStoreName.TPM)).isEmpty();
  }

  @Test
  void whereNothingIsKnownEverythingIsNeeded() {
    AuthorityStandings none = AuthorityStandings.unknown();
    assertThat(none.isNeeded("root-1")).isTrue();
    for (KeyStoreName name : KeyStoreName.values()) {
      assertThat(none.dispensable(name)).isEmpty();
    }
  }
}
