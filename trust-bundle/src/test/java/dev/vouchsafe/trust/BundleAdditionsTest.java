package dev.vouchsafe.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.trust.CaRefusedException.Reason;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who may come into the bundle beside our roots, and go out of it again. */
class BundleAdditionsTest {
  private static final Instant NOW = Instant.parse("2026-12-01T10:00:00Z");
  private static final X509Certificate ROOT = Certificates.named("root-p256");
  private static final X509Certificate ISSUING = Certificates.named("next-p256");
  private static final X509Certificate RSA = Certificates.named("root-rsa");
  private static final X509Certificate P384 = Certificates.named("root-p384");
  private static final X509Certificate P521 = Certificates.named("root-p521");
  private static final BundleContent OURS = Certificates.content(List.of(ROOT), List.of());

  @TempDir Path folder;

  private static BundleContent add(BundleContent content, X509Certificate... cas)
      throws CaRefusedException {
    return BundleAdditions.add(content, List.of(cas), List.of(ROOT, ISSUING), "uid 7", NOW);
  }

  private static BundleContent configure(BundleContent content, X509Certificate... cas)
      throws CaRefusedException {
    return BundleAdditions.configure(content, List.of(cas), List.of(ROOT, ISSUING), NOW);
  }

  private static void assertRefused(Reason reason, ThrowingCallable asked) {
    assertThatThrownBy(asked)
        .isInstanceOfSatisfying(
            CaRefusedException.class, refused -> assertThat(refused.reason()).isEqualTo(reason));
  }

  @Test
  void whatIsAddedIsInPemAndPkcs7AndNeverInTheSpiffeBundle() throws Exception {
    TrustBundles bundles =
        TrustBundleStore.create(folder.resolve("b.json"), Duration.ofHours(1), List.of(ROOT));
    byte[] before = bundles.encoded(BundleFormat.JWKS);
    BundleContent added = add(bundles.current().content(), RSA, P384);
    TrustBundle bundle = bundles.change(content -> added);
    assertThat(bundle.sequence()).isEqualTo(2);
    assertThat(bundle.extra()).containsExactly(RSA, P384);
    assertThat(new String(bundles.encoded(BundleFormat.JWKS), StandardCharsets.UTF_8))
        .isEqualTo(
            new String(before, StandardCharsets.UTF_8)
                .replace("\"spiffe_sequence\":1", "\"spiffe_sequence\":2"));
    assertThat(CaFile.read(bundles.encoded(BundleFormat.PEM))).containsExactly(ROOT, RSA, P384);
  }

  @Test
  void whoAddedItAndWhenAndWhenARootActivatesOutliveARestart() throws Exception {
    Path file = folder.resolve("b.json");
    TrustBundles bundles = TrustBundleStore.create(file, Duration.ofHours(1), List.of(ROOT));
    Instant later = NOW.plus(Duration.ofDays(3));
    BundleContent added = add(bundles.current().content(), RSA);
    bundles.change(content ->
        new BundleContent(
            List.of(
                new BundleContent.Root(ROOT), new BundleContent.Root(ISSUING, Optional.of(later))),
            added.added()));
    BundleContent read = TrustBundleStore.open(file, Duration.ofHours(1)).current().content();
    assertThat(read.added()).containsExactly(new BundleContent.Added(RSA, "uid 7", NOW));
    assertThat(read.roots())
        .containsExactly(
            new BundleContent.Root(ROOT), new BundleContent.Root(ISSUING, Optional.of(later)));
    assertThat(new String(bundles.encoded(BundleFormat.JWKS), StandardCharsets.UTF_8))
        .doesNotContain("activates", later.toString());
  }

  @Test
  void aFileOfTheFirstVersionIsRead() throws Exception {
    Path file = folder.resolve("b.json");
    try (var old = getClass().getResourceAsStream("bundle-version-1.json")) {
      Files.copy(old, file);
    }
    TrustBundle bundle = TrustBundleStore.open(file, Duration.ofHours(1)).current();
    assertThat(bundle.sequence()).isEqualTo(4);
    assertThat(bundle.roots()).containsExactly(ROOT);
    assertThat(bundle.content().added())
        .containsExactly(new BundleContent.Added(RSA, "", Instant.EPOCH));
    String changed = Files.readString(file).replace("\"sequence\" : 4", "\"sequence\" : 5");
    Files.writeString(file, changed);
    assertThatThrownBy(() -> TrustBundleStore.open(file, Duration.ofHours(1)))
        .hasMessageContaining("check");
  }

  @Test
  void oneThatIsThereOrIsOursAddsNoneOfItsFile() throws Exception {
    BundleContent one = add(OURS, RSA);
    assertRefused(Reason.DUPLICATE, () -> add(one, P384, RSA));
    assertRefused(Reason.OWN, () -> add(one, P384, ROOT));
    assertRefused(Reason.OWN, () -> add(one, P384, ISSUING));
  }

  @Test
  void thereIsAnEnd() {
    BundleContent full =
        new BundleContent(
            OURS.roots(),
            Collections.nCopies(BundleAdditions.MOST, new BundleContent.Added(RSA, "uid 7", NOW)));
    assertRefused(Reason.FULL, () -> add(full, P384));
    assertRefused(Reason.FULL, () -> configure(full, P384));
  }

  @Test
  void aShortIdWillDoAndOthersAreRefused() throws Exception {
    BundleContent two = add(add(OURS, RSA), P384);
    String id = BundleAdditions.id(RSA);
    for (String given : List.of(id, id.substring(0, 8), id.substring(0, 31))) {
      BundleContent left = BundleAdditions.remove(two, BundleAdditions.find(two, given));
      assertThat(left.added()).extracting(BundleContent.Added::certificate).containsExactly(P384);
    }
    for (String unknown : List.of("00000000", id.substring(0, 7), "", id + "0", "..", "zzzzzzzz")) {
      assertRefused(Reason.UNKNOWN, () -> BundleAdditions.find(two, unknown));
    }
    assertRefused(Reason.OWN, () -> BundleAdditions.find(two, BundleAdditions.id(ROOT)));
    BundleContent twice =
        new BundleContent(
            OURS.roots(),
            List.of(
                new BundleContent.Added(RSA, "", NOW), new BundleContent.Added(RSA, "uid 1", NOW)));
    assertRefused(Reason.AMBIGUOUS, () -> BundleAdditions.find(twice, id));
  }

  @Test
  void theConfigurationReplacesItsOwnAndLeavesTheAdministrators() throws Exception {
    BundleContent first = configure(add(OURS, RSA), RSA, P384);
    assertThat(first.added())
        .containsExactly(
            new BundleContent.Added(RSA, "uid 7", NOW),
            new BundleContent.Added(P384, BundleContent.Added.CONFIGURATION, NOW));
    assertThat(configure(first, RSA, P384)).isEqualTo(first);
    assertThat(configure(first, P521).added())
        .extracting(BundleContent.Added::certificate)
        .containsExactly(RSA, P521);
    assertThat(configure(first).added())
        .extracting(BundleContent.Added::by)
        .containsExactly("uid 7");
    assertRefused(Reason.CONFIGURED, () -> BundleAdditions.find(first, BundleAdditions.id(P384)));
    assertRefused(Reason.OWN, () -> configure(first, ISSUING));
  }

  @Test
  void whoeverAddsIsAShortPrintableText() {
    for (String by : List.of("uid\n7", "x".repeat(65), "\u00fc")) {
      assertThatThrownBy(() -> new BundleContent.Added(RSA, by, NOW))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void whatIsOursIsToldByItsKeyWhicheverStateItIsIn() {
    assertThat(BundleAdditions.isOwn(ROOT, OURS, List.of())).isTrue();
    assertThat(BundleAdditions.isOwn(ISSUING, OURS, List.of(ISSUING))).isTrue();
    assertThat(BundleAdditions.isOwn(ISSUING, OURS, List.of())).isFalse();
    assertThat(BundleAdditions.isOwn(RSA, OURS, List.of(ISSUING))).isFalse();
  }

  @Test
  void aRootWhoseKeyTheBundleCanNotSayIsToldBeforeItIsPutThere() {
    for (X509Certificate good : List.of(ROOT, RSA, P384, P521)) {
      assertThat(BundleContent.canHold(good)).isTrue();
    }
    for (String bad : List.of("root-ed25519", "leaf")) {
      assertThat(BundleContent.canHold(Certificates.named(bad))).as(bad).isFalse();
    }
  }
}
