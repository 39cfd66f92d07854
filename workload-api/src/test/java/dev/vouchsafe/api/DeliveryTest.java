package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.attestation.Caller;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.audit.AuditEvent.Decision;
import dev.vouchsafe.audit.AuditEvent.Outcome;
import dev.vouchsafe.ca.IssuanceException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A delivery that ends at each of its steps, in each way: nothing stays on record as issued. */
class DeliveryTest {
  private static final String SERIAL = "00aa";

  private final FakeAttestor attestor = new FakeAttestor();
  private final FakeAuditLog audit = new FakeAuditLog();
  private final List<String> withheld = new ArrayList<>();
  private final List<String> receipt = new ArrayList<>();
  private final Steps steps = new Steps();
  private final Once exchange = new Once();
  @TempDir private Path folder;
  private TestHome home;
  private Caller caller;
  private Delivery delivery;

  @BeforeEach
  void open() throws Exception {
    home = TestHome.in(folder);
    caller = attestor.accept(0);
    AuditTrail trail = new AuditTrail(audit, attestor, new Metrics());
    delivery =
        new Delivery(
            trail,
            new Attestation(
                new RegistrationChanges(home.registrations, trail), attestor, trail, home.readers),
            steps);
  }

  @AfterEach
  void close() {
    caller.close();
    home.close();
  }

  /** The steps of a delivery, taken when the test says so. */
  private static final class Steps implements Delivery.Ways {
    private record Taken(ModuleCall call, ModuleCalls.Step step, Runnable lost) {}

    private final Queue<Taken> waiting = new ArrayDeque<>();

    @Override
    public void onWorker(ModuleCall call, ModuleCalls.Step step, Runnable lost) {
      waiting.add(new Taken(call, step, lost));
    }

    @Override
    public void apart(Runnable work) {
      work.run();
    }

    private static void run(Taken taken) {
      try {
        taken.step().run();
      } catch (Failure failure) {
        taken.call().fail(failure);
      } catch (IssuanceException | RuntimeException e) {
        taken.call().fail(Failure.of(Problem.INTERNAL, "failed"));
      }
    }

    /** Takes the next one. */
    void next() {
      run(waiting.remove());
    }

    /** The next one is never begun. */
    void lose() {
      Taken taken = waiting.remove();
      taken.call().fail(Failure.of(Problem.STOPPING, "stopping"));
      taken.lost().run();
    }
  }

  /** An exchange that is answered once. */
  private static final class Once implements Exchange {
    private final FakeExchange face = new FakeExchange("somebody");
    private @Nullable Response answer;
    private Runnable lost = Exchange.NOTHING_LOST;
    private boolean broken;

    @Override
    public Request request() {
      return face.request();
    }

    @Override
    public Peer peer() {
      return face.peer();
    }

    @Override
    public boolean answer(Response response, Runnable whenLost) {
      if (answer != null) {
        return false;
      }
      if (broken) {
        broken = false;
        throw new IllegalStateException("as the test wants");
      }
      answer = response;
      lost = whenLost;
      return true;
    }

    @Override
    public void whenDone(Runnable action) {}

    @Override
    public void whenHungUp(Runnable action) {}

    @Override
    public void later(Runnable action) {}
  }

  private void begin(ModuleCalls.Handling<String> handling) {
    ModuleCall call = new ModuleCall(exchange, caller, ErrorAnswers::problem);
    delivery.begin(new Parcel<>(call, SERIAL, handling));
  }

  private void begin() {
    begin(handling(serial -> answer()));
  }

  private ModuleCalls.Handling<String> handling(Function<String, Response> answer) {
    return new ModuleCalls.Handling<>(
        serial ->
            List.of(
                new Parcel.Portion(
                    new Verdict.Attested(TestHome.own("edgeHub"), List.of()),
                    new AuditTrail.Made(List.of(serial), List.of(), Optional.empty()))),
        withheld::add,
        answer,
        new Receipt() {
          @Override
          public void arrived() {
            receipt.add("arrived");
          }

          @Override
          public void lost() {
            receipt.add("lost");
          }
        });
  }

  private static Response answer() {
    return Response.of(Status.CREATED, Response.JSON, "{}".getBytes(StandardCharsets.US_ASCII));
  }

  private List<String> record() {
    return audit.decisions().stream()
        .filter(decision -> decision.certificates().contains(SERIAL))
        .map(Decision::outcome)
        .map(Outcome::text)
        .toList();
  }

  private void assertTakenBack() {
    assertThat(record()).containsExactly("issued", "unavailable");
    assertThat(withheld).containsExactly(SERIAL);
  }

  @Test
  void whatIsHandedOverStaysIssued() {
    begin();
    steps.next();
    steps.next();
    assertThat(exchange.answer).isNotNull();
    assertThat(record()).containsExactly("issued");
    assertThat(withheld).isEmpty();
    assertThat(receipt).containsExactly("arrived");
  }

  @Test
  void whatIsLostOnItsWayIsTakenBackOnce() {
    begin();
    steps.next();
    steps.next();
    exchange.lost.run();
    exchange.lost.run();
    assertTakenBack();
    assertThat(receipt).containsExactly("arrived", "lost");
  }

  @Test
  void anAnswerThatCanNotBeLaidOutIsTakenBack() {
    begin(
        handling(serial -> {
          throw new IllegalStateException("as the test wants");
        }));
    steps.next();
    steps.next();
    assertTakenBack();
    assertThat(exchange.answer).as("its caller is answered").isNotNull();
  }

  @Test
  void aConnectionThatFailsUnforeseenTakesItBack() {
    exchange.broken = true;
    begin();
    steps.next();
    steps.next();
    assertTakenBack();
  }

  @Test
  void anErrorAtTheLastLookTakesItBack() {
    attestor.confirm =
        verdict -> {
          throw new IllegalStateException("as the test wants");
        };
    begin();
    steps.next();
    steps.next();
    assertTakenBack();
  }

  @Test
  void aRefusalAtTheLastLookIsTheWordThatTakesItBack() {
    attestor.confirm = verdict -> FakeAttestor.refused();
    begin();
    steps.next();
    steps.next();
    assertThat(record()).containsExactly("issued", "refused");
    assertThat(withheld).containsExactly(SERIAL);
  }

  @Test
  void whatNoWorkerTakesBeforeItIsRecordedIsWithheldOnly() {
    begin();
    steps.lose();
    assertThat(record()).isEmpty();
    assertThat(withheld).containsExactly(SERIAL);
    assertThat(receipt).isEmpty();
  }

  @Test
  void whatNoWorkerTakesAfterItIsRecordedIsTakenBack() {
    begin();
    steps.next();
    steps.lose();
    assertTakenBack();
  }

  /** The last look hangs: the caller is told, and the worker comes back much later, or never. */
  @Test
  void whatIsGivenUpInTheLastLookIsTakenBackThenAndNotAgain() {
    begin();
    steps.next();
    Steps.Taken handOver = steps.waiting.remove();
    attestor.confirm =
        verdict -> {
          handOver.call().fail(Failure.of(Problem.ATTESTATION_UNAVAILABLE, "hangs"));
          handOver.lost().run();
          assertTakenBack();
          return verdict;
        };
    Steps.run(handOver);
    assertTakenBack();
  }

  /** Given up as long as nothing is on record: the word that takes it back comes last. */
  @Test
  void whatIsGivenUpBeforeItIsRecordedNeverStaysIssued() {
    audit.slow = true;
    begin();
    Steps.Taken record = steps.waiting.remove();
    Steps.run(record);
    record.lost().run();
    assertThat(withheld).containsExactly(SERIAL);
    audit.held.getFirst().complete(null);
    steps.next();
    assertTakenBack();
    assertThat(exchange.answer).as("nothing was handed over").isNull();
  }

  /** The same, and the worker that is to say so is given up as well. */
  @Test
  void whatIsGivenUpBeforeItIsRecordedAndAfterItIsTakenBackOnRecord() {
    audit.slow = true;
    begin();
    Steps.Taken record = steps.waiting.remove();
    Steps.run(record);
    record.lost().run();
    audit.held.getFirst().complete(null);
    steps.lose();
    assertTakenBack();
  }

  @Test
  void whatIsGivenUpBeforeItIsBegunIsWithheldOnly() {
    withheld.clear();
    begin();
    Steps.Taken early = steps.waiting.remove();
    early.lost().run();
    Steps.run(early);
    assertThat(record()).isEmpty();
    assertThat(withheld).containsExactly(SERIAL);
  }
}
