package dev.vouchsafe.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which version each reader has: less than is true perhaps, never more. */
class BundleReadersTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Instant START = Instant.parse("2026-11-01T12:00:00Z");

  @TempDir Path folder;
  private Path file;
  private final AtomicLong nanos = new AtomicLong(-5_000_000_000L);
  private Instant now = START;

  @BeforeEach
  void name() {
    file = folder.resolve("bundle-readers.json");
  }

  private BundleReaders open(long current) throws IOException {
    return TrustBundleStore.readers(file, current, () -> now, nanos::get);
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
    now = now.plus(time);
  }

  private static List<String> names(List<BundleReaders.Reader> readers) {
    return readers.stream().map(BundleReaders.Reader::name).toList();
  }

  @Test
  void whoAskedButWasHandedNothingIsBehindAndWhoHasTheVersionIsNot() throws Exception {
    BundleReaders readers = open(3);
    readers.heard("b");
    readers.fetched("a", 2);
    readers.fetched("c", 3);
    assertThat(names(readers.behind(3, HOUR))).containsExactly("a", "b");
    assertThat(names(readers.behind(1, HOUR))).containsExactly("b");
    assertThat(readers.readers())
        .extracting(BundleReaders.Reader::sequence)
        .containsExactly(2L, 0L, 3L);
  }

  @Test
  void theSilentAreNotWaitedForAndAreStillListed() throws Exception {
    BundleReaders readers = open(2);
    readers.fetched("old", 1);
    pass(HOUR.plusSeconds(1));
    readers.fetched("new", 1);
    assertThat(names(readers.behind(2, HOUR))).containsExactly("new");
    assertThat(names(readers.readers())).containsExactly("new", "old");
    readers.heard("old");
    assertThat(names(readers.behind(2, HOUR))).containsExactly("new", "old");
  }

  @Test
  void aClockThatJumpsMakesNobodySilent() throws Exception {
    BundleReaders readers = open(2);
    readers.fetched("a", 1);
    now = now.plus(Duration.ofDays(4000));
    assertThat(names(readers.behind(2, HOUR))).containsExactly("a");
  }

  @Test
  void anOlderVersionThatArrivesLateLowersNothing() throws Exception {
    BundleReaders readers = open(5);
    readers.fetched("a", 5);
    readers.fetched("a", 4);
    assertThat(readers.behind(5, HOUR)).isEmpty();
  }

  @Test
  void whatDidNotArriveCountsAsNothing() throws Exception {
    BundleReaders readers = open(5);
    readers.fetched("a", 5);
    readers.save();
    readers.lost("a");
    assertThat(names(readers.behind(1, HOUR))).containsExactly("a");
    // A crash here: nothing on the disk says that it has it.
    assertThat(open(5).readers()).allMatch(reader -> reader.sequence() == 0);
    readers.lost("nobody");
    assertThat(readers.readers()).hasSize(1);
  }

  @Test
  void aRestartKnowsWhatWasSavedAndNothingNewer() throws Exception {
    BundleReaders readers = open(5);
    readers.fetched("a", 4);
    readers.save();
    readers.fetched("a", 5);
    readers.fetched("b", 5);
    BundleReaders again = open(5);
    assertThat(again.readers())
        .singleElement()
        .satisfies(reader -> {
          assertThat(reader.sequence()).isEqualTo(4);
          assertThat(reader.fetched()).contains(START);
          assertThat(reader.heard()).isEqualTo(START);
        });
  }

  @Test
  void aRestartCountsAsHavingBeenHeardOf() throws Exception {
    BundleReaders readers = open(5);
    readers.fetched("a", 4);
    readers.save();
    pass(HOUR.multipliedBy(3));
    assertThat(names(open(5).behind(5, HOUR))).containsExactly("a");
  }

  @Test
  void versionsThatTheBundleHasNotReachedAreForgottenForGood() throws Exception {
    BundleReaders readers = open(5);
    readers.fetched("a", 5);
    readers.save();
    // An older bundle was restored, and goes on to other versions of the same numbers.
    assertThat(open(3).readers()).isEmpty();
    assertThat(file).doesNotExist();
    assertThat(open(5).readers()).isEmpty();
  }

  @Test
  void whomADamagedFileForgotIsWaitedForAsIfJustHeardOf() throws Exception {
    BundleReaders readers = open(5);
    readers.fetched("a", 5);
    readers.fetched("b", 4);
    readers.save();
    Files.writeString(file, "{");
    BundleReaders again = open(5);
    again.fetched("c", 5);
    again.expect(List.of("a", "b", "c"));
    assertThat(names(again.behind(5, HOUR))).containsExactly("a", "b");
    again.fetched("a", 5);
    assertThat(names(again.behind(5, HOUR))).containsExactly("b");
    pass(HOUR.plusSeconds(1));
    assertThat(again.behind(5, HOUR)).as("silent since the start").isEmpty();
  }

  @Test
  void whomALostFileForgotIsWaitedForAlsoAfterAnotherCrash() throws Exception {
    BundleReaders readers = open(5);
    readers.fetched("a", 5);
    readers.save();
    readers.lost("a");
    // It took the file away; the process is killed before it is written anew.
    BundleReaders again = open(5);
    again.expect(List.of("a"));
    assertThat(names(again.behind(5, HOUR))).containsExactly("a");
  }

  @Test
  void whereTheFileIsWholeNobodyIsExpectedWhoNeverAsked() throws Exception {
    BundleReaders readers = open(5);
    readers.fetched("a", 5);
    readers.save();
    BundleReaders again = open(5);
    again.expect(List.of("a", "never"));
    assertThat(names(again.readers())).containsExactly("a");
  }

  @Test
  void noMoreAreExpectedThanAreRemembered() throws Exception {
    BundleReaders readers = open(5);
    readers.fetched("a", 5);
    readers.expect(IntStream.range(0, 5000).mapToObj(i -> "m" + i).toList());
    assertThat(names(readers.readers())).hasSize(BundleReaders.MOST).contains("a");
  }

  @Test
  void nothingIsWrittenWhereNothingChanged() throws Exception {
    BundleReaders readers = open(5);
    readers.save();
    assertThat(file).doesNotExist();
    readers.fetched("a", 5);
    readers.save();
    Files.delete(file);
    pass(Duration.ofSeconds(2));
    readers.heard("a");
    readers.fetched("a", 5);
    readers.save();
    assertThat(file).doesNotExist();
  }

  @Test
  void whatCouldNotBeSavedIsSavedTheNextTime() throws Exception {
    Path inner = Files.createDirectory(folder.resolve("inner"));
    BundleReaders readers =
        TrustBundleStore.readers(inner.resolve("r.json"), 5, () -> now, nanos::get);
    readers.fetched("a", 5);
    Files.move(inner, folder.resolve("moved"));
    assertThatThrownBy(readers::save).isInstanceOf(IOException.class);
    Files.move(folder.resolve("moved"), inner);
    readers.save();
    assertThat(inner.resolve("r.json")).exists();
  }

  @Test
  void noFlippedBitMakesAReaderNewer() throws Exception {
    BundleReaders readers = open(1000);
    readers.fetched("edgeHub", 17);
    readers.heard("$%:other");
    readers.save();
    byte[] good = Files.readAllBytes(file);
    List<BundleReaders.Reader> known = ReadersDocument.parse(good);
    Random random = new Random(11);
    int refused = 0;
    for (int round = 0; round < 5_000; round++) {
      byte[] bad = good.clone();
      bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
      try {
        assertThat(ReadersDocument.parse(bad)).isEqualTo(known);
      } catch (IOException damaged) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(4_900);
    Files.writeString(file, new String(good, StandardCharsets.UTF_8).substring(9));
    assertThat(open(1000).readers()).isEmpty();
    assertThat(file).doesNotExist();
  }

  @Test
  void atMostSoManyAreRememberedAndTheLongestSilentGoesFirst() throws Exception {
    BundleReaders readers = open(1);
    readers.fetched("first", 1);
    pass(HOUR);
    for (int i = 0; i < BundleReaders.MOST; i++) {
      readers.heard("module-" + i);
    }
    assertThat(readers.readers()).hasSize(BundleReaders.MOST);
    assertThat(names(readers.readers())).doesNotContain("first");
    readers.save();
    assertThat(open(1).readers()).hasSize(BundleReaders.MOST);
  }
}
