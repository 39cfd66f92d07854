package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A block of the archive: what is packed comes out again, and a damaged one is told. */
class ArchiveBlockTest {
  private static final List<LedgerEntry.State> STATES = List.of(LedgerEntry.State.values());

  private final Random random = new Random(5);

  private String hex(int octets) {
    byte[] made = new byte[octets];
    random.nextBytes(made);
    return HexFormat.of().formatHex(made);
  }

  private LedgerEntry entry(int number) {
    return new LedgerEntry(
        Octets.hex(new Serials().next(Instant.ofEpochSecond(1_800_000_000L + number))),
        "module" + number % 7,
        number % 5 == 0 ? "ü\u0000ber" : "1",
        "server",
        "device-" + (1 + number % 2),
        "CN=a" + number,
        number % 3 == 0 ? List.of() : List.of("dns:a" + number, "ip:::1"),
        Instant.ofEpochSecond(-5L + number),
        Instant.ofEpochSecond(1_800_003_600L + number),
        STATES.get(number % 4),
        hex(32),
        Optional.empty());
  }

  private List<LedgerEntry> entries(int count) {
    return IntStream.range(0, count).mapToObj(this::entry).toList();
  }

  @Test
  void whatIsPackedComesOutWordForWord() throws SQLException {
    for (int count : new int[] {0, 1, 2, 100, ArchiveBlock.MOST_ENTRIES}) {
      List<LedgerEntry> entries = entries(count);
      assertThat(ArchiveBlock.unpack(ArchiveBlock.pack(entries))).isEqualTo(entries);
    }
  }

  @Test
  void onlyTheHashOfTheKeyIsLeftOut() throws SQLException {
    LedgerEntry archived = entry(4);
    LedgerEntry whole =
        new LedgerEntry(
            archived.serial(),
            archived.module(),
            archived.generation(),
            archived.profile(),
            archived.authority(),
            archived.subject(),
            archived.names(),
            archived.notBefore(),
            archived.notAfter(),
            archived.state(),
            archived.tbsSha256(),
            Optional.of(hex(32)));
    assertThat(whole.archived()).isFalse();
    LedgerEntry read = ArchiveBlock.unpack(ArchiveBlock.pack(List.of(whole))).getFirst();
    assertThat(read).isEqualTo(archived);
    assertThat(read.archived()).isTrue();
  }

  @Test
  void anEntryTakesUnder80Octets() {
    byte[] packed = ArchiveBlock.pack(entries(ArchiveBlock.MOST_ENTRIES));
    assertThat(packed.length / ArchiveBlock.MOST_ENTRIES).isLessThan(80);
  }

  @Test
  void moreThanABlockHoldsIsNotPacked() {
    assertThatThrownBy(() -> ArchiveBlock.pack(entries(ArchiveBlock.MOST_ENTRIES + 1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void everyFlippedBitAndEveryCutIsToldAndNeverReadAsSomethingElse() {
    byte[] packed = ArchiveBlock.pack(entries(20));
    for (int bit = 0; bit < packed.length * 8; bit++) {
      byte[] flipped = packed.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      refusedOrTheSame(flipped, packed);
    }
    for (int length = 0; length < packed.length; length++) {
      byte[] cut = Arrays.copyOf(packed, length);
      assertThatThrownBy(() -> ArchiveBlock.unpack(cut)).isInstanceOf(SQLException.class);
    }
  }

  /** The two bits of RFC 1950 that say how hard the packer tried change nothing. */
  private static void refusedOrTheSame(byte[] changed, byte[] packed) {
    try {
      assertThat(ArchiveBlock.unpack(changed)).isEqualTo(ArchiveBlock.unpack(packed));
    } catch (SQLException e) {
      assertThat(e.getMessage()).contains("archive");
    }
  }

  @Test
  void mutationsEndAsAnAnswerOrAsDamage() {
    List<byte[]> seeds = new ArrayList<>();
    for (int count : new int[] {0, 1, 5}) {
      seeds.add(ArchiveBlock.pack(entries(count)));
    }
    Random mutations = new Random(7);
    for (int round = 0; round < 3000; round++) {
      byte[] input = seeds.get(round % seeds.size()).clone();
      for (int i = 0; i <= mutations.nextInt(4); i++) {
        input[1 + mutations.nextInt(input.length - 1)] = (byte) mutations.nextInt();
      }
      refusedOrTheSame(input, seeds.get(round % seeds.size()));
    }
  }
}
