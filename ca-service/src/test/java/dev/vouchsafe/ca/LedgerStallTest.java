package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Kind;
import dev.vouchsafe.ca.IssuanceException.Reason;
import java.nio.file.Path;
import java.text.MessageFormat;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ledger's disk does not answer: no certificate waits for it for ever, nor does the end. */
class LedgerStallTest {
  private static final Duration SHORT = Duration.ofMillis(300);
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);

  @TempDir Path folder;
  private TestCa ca;
  private final StalledDisk disk = new StalledDisk();

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.in(folder);
  }

  @AfterEach
  void close() {
    disk.release();
    ca.close();
  }

  private static void assertUnavailable(CompletableFuture<?> answer) {
    assertThatThrownBy(() -> answer.get(30, TimeUnit.SECONDS))
        .cause()
        .isInstanceOfSatisfying(
            IssuanceException.class,
            e -> {
              assertThat(e.reason()).isEqualTo(Reason.LEDGER_UNAVAILABLE);
              assertThat(e.reason().kind()).as("503").isEqualTo(Kind.UNAVAILABLE);
            });
  }

  @Test
  void aCertificateWhoseIntentIsNotOnTheDiskInTimeIsUnavailableAndNeverSigned() throws Exception {
    ca.reopen(disk, SHORT);
    disk.stall();
    CompletableFuture<IssuedCertificate> answer = ca.ca().issue(TestCa.grant(), REQUEST);
    disk.awaitCommit();
    assertUnavailable(answer);
    disk.release();
    // This one's intent comes after the other's, so both are on the disk then.
    IssuedCertificate later = ca.issue(TestCa.grant(), REQUEST);
    List<LedgerEntry> entries =
        ca.ca().certificates(new LedgerQuery(Optional.empty(), 1000, Optional.empty())).items();
    assertThat(entries).hasSize(2);
    assertThat(entries)
        .as("what was written in the end stands as one that may have been issued")
        .filteredOn(entry -> !entry.serial().equals(later.serial()))
        .allMatch(entry -> entry.state() == LedgerEntry.State.INTENDED);
  }

  @Test
  void manyThatWaitForTheSameDiskAreAllToldAndTheServiceGoesOn() throws Exception {
    ca.reopen(disk, SHORT);
    disk.stall();
    List<CompletableFuture<IssuedCertificate>> answers =
        IntStream.range(0, 50).mapToObj(i -> ca.ca().issue(TestCa.grant(), REQUEST)).toList();
    disk.awaitCommit();
    answers.forEach(LedgerStallTest::assertUnavailable);
    disk.release();
    assertThat(ca.issue(TestCa.grant(), REQUEST).serial()).isNotEmpty();
  }

  @Test
  void theEndWaitsForADiskThatDoesNotAnswerOnlySoLongAndSaysWhatWasLeft() throws Exception {
    ca.ca().close();
    List<String> said = new CopyOnWriteArrayList<>();
    Handler listening = new Listening(said);
    Logger logger = Logger.getLogger(LedgerWriter.class.getName());
    logger.addHandler(listening);
    try {
      LedgerWriter writer = new LedgerWriter(file(), disk, SHORT);
      disk.stall();
      CompletableFuture<?> first = writer.durable(row -> row.module("first"));
      disk.awaitCommit();
      CompletableFuture<?> second = writer.durable(row -> row.module("second"));
      writer.note(row -> row.module("note"));
      writer.close();
      assertThat(writer.hasEnded()).isFalse();
      assertThat(first).as("it may still end").isNotDone();
      assertUnavailable(second);
      assertThat(said).singleElement().asString().contains("1 writes", "1 that", "1 notes");
      assertUnavailable(writer.durable(row -> row.module("third")));
      disk.release();
      first.get(30, TimeUnit.SECONDS);
      until(writer);
      assertThat(LedgerPeek.count(ca.settings.directory(), "module")).isEqualTo(1);
    } finally {
      logger.removeHandler(listening);
    }
    ca.reopen();
  }

  private static void until(LedgerWriter writer) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!writer.hasEnded()) {
      assertThat(System.nanoTime()).isLessThan(end);
      Thread.onSpinWait();
    }
  }

  private Path file() {
    return ca.settings.directory().resolve("ca.db");
  }

  /** Keeps what is logged. */
  private static final class Listening extends Handler {
    private final List<String> said;

    Listening(List<String> said) {
      this.said = said;
    }

    @Override
    public void publish(LogRecord record) {
      said.add(MessageFormat.format(record.getMessage(), record.getParameters()));
    }

    @Override
    public void flush() {
      // Nothing is kept back.
    }

    @Override
    public void close() {
      // There is nothing to close.
    }
  }
}
