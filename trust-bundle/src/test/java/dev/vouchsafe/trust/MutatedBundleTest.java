package dev.vouchsafe.trust;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MutatedBundleTest {
  static List<byte[]> valid() throws IOException {
    BundleContent one = Certificates.content(List.of(Certificates.named("root-p256")), List.of());
    BundleContent two =
        Certificates.content(
            List.of(Certificates.named("next-p256"), Certificates.named("root-p256")),
            List.of(Certificates.named("root-p384")));
    two =
        new BundleContent(
            List.of(
                two.roots().getFirst(),
                new BundleContent.Root(
                    two.roots().getLast().certificate(),
                    Optional.of(Instant.parse("2030-01-01T00:00:00Z")))),
            List.of(
                new BundleContent.Added(
                    two.added().getFirst().certificate(),
                    "uid 7",
                    Instant.parse("2026-12-01T10:00:00Z"))));
    return List.of(
        new BundleDocument(1, one).encoded(), new BundleDocument(Long.MAX_VALUE, two).encoded());
  }

  /** What is read, written again, is read as the same; what isn't read throws nothing but this. */
  static boolean check(byte[] text) {
    BundleDocument read;
    try {
      read = BundleDocument.parse(text);
    } catch (IOException e) {
      return false;
    }
    try {
      assertThat(BundleDocument.parse(read.encoded())).isEqualTo(read);
      return true;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void whatIsValidIsRead() throws Exception {
    for (byte[] text : valid()) {
      assertThat(check(text)).isTrue();
    }
  }

  @Test
  void aMutatedFileIsNeverReadAsAnotherBundle() throws Exception {
    Random random = new Random(42);
    List<byte[]> seeds = valid();
    List<BundleDocument> known =
        List.of(BundleDocument.parse(seeds.get(0)), BundleDocument.parse(seeds.get(1)));
    for (int round = 0; round < 10_000; round++) {
      byte[] text = mutate(seeds.get(round % 2), random);
      if (check(text)) {
        assertThat(known).contains(BundleDocument.parse(text));
      }
    }
  }

  private static byte[] mutate(byte[] seed, Random random) {
    byte[] text = seed.clone();
    for (int i = random.nextInt(3); i >= 0; i--) {
      int from = random.nextInt(text.length);
      int to = Math.min(text.length, from + random.nextInt(40));
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.writeBytes(Arrays.copyOf(text, from));
      switch (random.nextInt(4)) {
        case 0 -> out.write(random.nextInt(256));
        case 1 -> out.writeBytes(Arrays.copyOfRange(text, from, to));
        case 2 -> out.writeBytes(seed);
        default -> to = Math.min(text.length, to + 1);
      }
      out.writeBytes(Arrays.copyOfRange(text, random.nextBoolean() ? from : to, text.length));
      text = out.toByteArray();
    }
    return text;
  }
}
