package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The gate as somebody meets it who wants a name that the registration doesn't grant. */
class NameGateTest {
  private final NameGate gate = new NameGate(TestCa.grant(), TestCa.leaf(Profile.SERVER));

  @ParameterizedTest
  @CsvSource({
    "gateway.local, gateway.local",
    "GateWay.LOCAL, gateway.local",
    "a.gateway.local, a.gateway.local",
    "A-1.gateway.local, a-1.gateway.local",
    "*.gateway.local, *.gateway.local",
    "edgehub, edgehub"
  })
  void aGrantedNameIsCertifiedInLowerCase(String asked, String certified) throws Exception {
    assertThat(gate.dns(asked).name()).isEqualTo(certified);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "evil.example",
        "gateway.local.evil.example",
        "xgateway.local",
        "a.b.gateway.local",
        ".gateway.local",
        "..gateway.local",
        "-a.gateway.local",
        "a-.gateway.local",
        "a_b.gateway.local",
        "xn--pple-43d.gateway.local",
        "ab--c.gateway.local",
        "*.a.gateway.local",
        "a*.gateway.local",
        "**.gateway.local",
        "*.local",
        "*",
        "*.",
        "",
        ".",
        " ",
        "gateway.local.",
        "gateway..local",
        " gateway.local",
        "gateway.local ",
        "gateway.local\n",
        "gateway.local\0",
        "gateway.local\0.evil.example",
        "evil.example\0.gateway.local",
        "gateway.local/",
        "gateway.local:443",
        "user@gateway.local",
        "https://gateway.local",
        "gäteway.local",
        "gateway\u3002local",
        "\u212Await.gateway.local",
        "a\u200Bb.gateway.local",
        "ａ.gateway.local",
        "192.168.1.10",
        "10.0.0.1",
        "fd00::1"
      })
  void aDnsNameThatIsNotGrantedIsRefused(String asked) {
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> gate.dns(asked));
  }

  @Test
  void aKelvinSignDoesNotBecomeTheLetterK() {
    NameGate kiosk =
        new NameGate(TestCa.grant(List.of("kiosk.local"), List.of()), TestCa.leaf(Profile.SERVER));
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> kiosk.dns("\u212Aiosk.local"));
  }

  @Test
  void aNameUpTo253OctetsPassesAndNoneBeyond() throws Exception {
    String label = "a".repeat(62) + ".";
    String longest = label.repeat(4) + "x";
    String tooLong = label.repeat(4) + "xx";
    assertThat(longest).hasSize(253);
    NameGate wide =
        new NameGate(
            TestCa.grant(List.of(longest, tooLong), List.of()), TestCa.leaf(Profile.SERVER));

    assertThat(wide.dns(longest).name()).isEqualTo(longest);
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> wide.dns(tooLong));
  }

  @Test
  void aLabelOver63OctetsIsNoName() {
    String name = "a".repeat(64) + ".local";
    NameGate wide =
        new NameGate(TestCa.grant(List.of(name), List.of()), TestCa.leaf(Profile.SERVER));
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> wide.dns(name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"10.0.0.1", "1", "0x7f000001", "host.1", "host.0x1", "host.0x"})
  void whatSomeClientsTakeForAnAddressIsNoDnsNameEvenIfGranted(String name) {
    NameGate wide =
        new NameGate(TestCa.grant(List.of(name), List.of()), TestCa.leaf(Profile.SERVER));
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> wide.dns(name));
  }

  @Test
  void aWildcardIsCertifiedOnlyIfItIsGrantedAsWritten() throws Exception {
    NameGate literal =
        new NameGate(
            TestCa.grant(List.of("a.local", "b.local"), List.of()), TestCa.leaf(Profile.SERVER));
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> literal.dns("*.local"));
    assertThat(gate.dns("*.gateway.local").name()).isEqualTo("*.gateway.local");
  }

  @Test
  void aWildcardDoesNotGrantTheNameAboveIt() {
    NameGate below =
        new NameGate(TestCa.grant(List.of("*.x.local"), List.of()), TestCa.leaf(Profile.SERVER));
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> below.dns("x.local"));
  }

  @Test
  void anALabelOrUnderscorePassesWhereItIsGrantedLiterally() throws Exception {
    NameGate literal =
        new NameGate(
            TestCa.grant(List.of("xn--bcher-kva.local", "my_module"), List.of()),
            TestCa.leaf(Profile.SERVER));
    assertThat(literal.dns("xn--bcher-kva.local").name()).isEqualTo("xn--bcher-kva.local");
    assertThat(literal.dns("my_module").name()).isEqualTo("my_module");
  }

  @ParameterizedTest
  @ValueSource(strings = {"*", "**.local", "a.*.local", "*a.local", "local.", "", "a b", "\0"})
  void aGrantThatCannotBeReadGrantsNothing(String granted) {
    NameGate broken =
        new NameGate(TestCa.grant(List.of(granted), List.of(granted)), TestCa.leaf(Profile.SERVER));
    for (String asked : List.of(granted, "a.local", "local", "x")) {
      Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> broken.dns(asked));
      Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> broken.ip(asked));
    }
    assertThat(broken.allGranted()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "192.168.1.10, 192.168.1.10",
    "fd00::1, fd00::1",
    "FD00:0:0::0001, fd00::1",
    "::ffff:192.168.1.10, 192.168.1.10",
    "::ffff:c0a8:10a, 192.168.1.10"
  })
  void aGrantedAddressIsCertifiedHoweverItIsWritten(String asked, String certified)
      throws Exception {
    assertThat(gate.ip(asked).canonical()).isEqualTo(certified);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "192.168.1.11",
        "192.168.1.010",
        "192.168.266",
        "192.168.1.10.",
        "192.168.1.256",
        "192.168.1",
        "3232235786",
        "0xc0a8010a",
        "0300.0250.1.12",
        " 192.168.1.10",
        "192.168.1.10\0",
        "192.168.1.10/24",
        "192.168.1.10%eth0",
        "fd00::1%1",
        "[fd00::1]",
        "fd00::1::",
        "fd00:::1",
        "::192.168.1.10",
        "fd00::2",
        "::",
        "",
        "localhost",
        "١٩٢.168.1.10",
        "gateway.local"
      })
  void anAddressThatIsNotGrantedOrNoAddressIsRefused(String asked) {
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> gate.ip(asked));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "spiffe://gw.example/edgehub",
        "spiffe://gw.example/edgeHub/",
        "SPIFFE://gw.example/edgeHub",
        "spiffe://gw.example/other",
        "spiffe://gw.example",
        "spiffe://gw.example/%65dgeHub",
        "https://gw.example/edgeHub",
        ""
      })
  void onlyTheVerySpiffeIdIsGranted(String asked) throws Exception {
    NameGate identity = new NameGate(TestCa.grant(), TestCa.leaf(Profile.IDENTITY));
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> identity.uri(asked));
    assertThat(identity.uri(TestCa.SPIFFE_ID).uri()).isEqualTo(TestCa.SPIFFE_ID);
  }

  @Test
  void aServerHasNoUriNotEvenItsOwn() {
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> gate.uri(TestCa.SPIFFE_ID));
  }

  @Test
  void withoutASpiffeIdNoUriIsGranted() {
    Grant grant =
        new Grant(
            "m",
            "1",
            Set.of(Profile.IDENTITY),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            Optional.empty());
    NameGate identity = new NameGate(grant, TestCa.leaf(Profile.IDENTITY));
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> identity.uri("spiffe://gw.example/m"));
  }

  @Test
  void anIdentityMayNameItsModuleAndAServerMayNot() throws Exception {
    NameGate identity = new NameGate(TestCa.grant(), TestCa.leaf(Profile.IDENTITY));
    NameGate other =
        new NameGate(
            TestCa.grant(List.of("gateway.local"), List.of()), TestCa.leaf(Profile.SERVER));

    assertThat(identity.commonName("edgeHub")).isEmpty();
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> other.commonName("edgeHub"));
  }

  @Test
  void theDollarOfASystemModuleMayBeLeftOutButNotAdded() throws Exception {
    Grant system =
        new Grant(
            "$edgeHub",
            "1",
            Set.of(Profile.IDENTITY),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            Optional.empty());
    NameGate withDollar = new NameGate(system, TestCa.leaf(Profile.IDENTITY));
    NameGate without = new NameGate(TestCa.grant(), TestCa.leaf(Profile.IDENTITY));

    assertThat(withDollar.commonName("$edgeHub")).isEmpty();
    assertThat(withDollar.commonName("edgeHub")).isEmpty();
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> without.commonName("$edgeHub"));
  }

  @Test
  void aRefusalShowsTheNameWithoutControlCharactersAndShortened() {
    try {
      gate.dns("evil\u001b[31m\n\"" + "x".repeat(500));
    } catch (IssuanceException e) {
      assertThat(e.getMessage())
          .doesNotContain("\u001b")
          .doesNotContain("\n")
          .contains("evil?[31m??");
      assertThat(e.getMessage()).hasSizeLessThan(250);
      return;
    }
    throw new AssertionError("it passed");
  }

  @Test
  void whateverPassesIsOneOfTheGrantedForms() {
    Random random = new Random(20261105);
    String alphabet = "abz.-_*\0 Kg\u212A01xn%:gateway.local";
    int passed = 0;
    for (int round = 0; round < 50_000; round++) {
      String asked = mutated(random, alphabet);
      try {
        String name = gate.dns(asked).name();
        assertThat(name)
            .matches(
                "gateway\\.local|edgehub|\\*\\.gateway\\.local|[a-z0-9]([a-z0-9-]*[a-z0-9])?"
                    + "\\.gateway\\.local");
        passed++;
      } catch (IssuanceException e) {
        assertThat(e.reason()).isEqualTo(Reason.NAME_NOT_GRANTED);
      }
      try {
        assertThat(gate.ip(asked).canonical()).isIn("192.168.1.10", "fd00::1");
      } catch (IssuanceException e) {
        assertThat(e.reason()).isEqualTo(Reason.NAME_NOT_GRANTED);
      }
    }
    assertThat(passed).isGreaterThan(500);
  }

  private static String mutated(Random random, String alphabet) {
    List<String> seeds =
        List.of("gateway.local", "a.gateway.local", "*.gateway.local", "192.168.1.10", "fd00::1");
    StringBuilder text = new StringBuilder(seeds.get(random.nextInt(seeds.size())));
    for (int i = random.nextInt(3); i > 0 && !text.isEmpty(); i--) {
      int at = random.nextInt(text.length());
      char c = alphabet.charAt(random.nextInt(alphabet.length()));
      switch (random.nextInt(3)) {
        case 0 -> text.insert(at, c);
        case 1 -> text.deleteCharAt(at);
        default -> text.setCharAt(at, c);
      }
    }
    return text.toString();
  }
}
