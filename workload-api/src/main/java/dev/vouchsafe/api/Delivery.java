package dev.vouchsafe.api;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Hands over what was issued: has it recorded, looks at the caller once more, and answers. The last
 * look is the last thing before the answer, so what it finds out comes after the record, and is
 * recorded as well.
 *
 * <p>Invariant: whatever is on record as issued is handed over, or taken back on record and
 * withheld, whichever way its delivery ends.
 */
final class Delivery {
  private final AuditTrail trail;
  private final Attestation attestation;
  private final Ways ways;

  Delivery(AuditTrail trail, Attestation attestation, Ways ways) {
    this.trail = trail;
    this.attestation = attestation;
    this.ways = ways;
  }

  /** Where the steps are taken. */
  interface Ways {
    /**
     * Takes a step of a call on a worker, or answers that it can't be.
     *
     * @param lost what to do if the step is never begun, or is given up before it has answered
     */
    void onWorker(ModuleCall call, ModuleCalls.Step step, Runnable lost);

    /** Does something off the event loop. */
    void apart(Runnable work);
  }

  /** Sends it on its way. */
  void begin(Parcel<?> parcel) {
    goOn(parcel, () -> record(parcel), parcel::keep);
  }

  /**
   * The next step of a parcel; if it can't be taken, or fails, the parcel goes nowhere.
   *
   * @param stays what to do then
   */
  private void goOn(Parcel<?> parcel, Leg leg, Runnable stays) {
    ways.onWorker(
        parcel.call(),
        () -> {
          boolean onItsWay = false;
          try {
            onItsWay = leg.go();
          } finally {
            if (!onItsWay) {
              parcel.keep();
            }
          }
        },
        stays);
  }

  /** A part of the way; true if the parcel is somebody else's to see to. */
  private interface Leg {
    boolean go() throws Failure;
  }

  private boolean record(Parcel<?> parcel) {
    if (!parcel.isBack()) {
      CompletableFuture<?>[] records =
          parcel.portions().stream()
              .map(portion -> trail.issued(parcel.call(), portion.attested(), portion.made()))
              .toArray(CompletableFuture<?>[]::new);
      CompletableFuture<?> _ =
          CompletableFuture.allOf(records)
              .whenComplete((done, error) ->
                  goOn(parcel, () -> handOver(parcel, error), () -> takeBack(parcel)));
    }
    return true;
  }

  /** What is on record as issued stays here after all. */
  private void takeBack(Parcel<?> parcel) {
    parcel.takeBack(() -> undelivered(parcel, parcel.portions()));
  }

  private boolean handOver(Parcel<?> parcel, @Nullable Throwable unrecorded) throws Failure {
    if (unrecorded != null) {
      throw unrecorded(parcel, cause(unrecorded));
    }
    if (parcel.isBack()) {
      // Given up before it was on record: the word that takes it back comes last.
      takeBack(parcel);
      return true;
    }
    boolean told = false;
    try {
      confirm(parcel);
      told = answer(parcel);
    } catch (Failure onRecord) {
      told = true;
      throw onRecord;
    } finally {
      if (!told && !parcel.isHandedOver()) {
        // Also after an error of our own, which nobody else puts on record.
        takeBack(parcel);
      }
    }
    return true;
  }

  private Failure unrecorded(Parcel<?> parcel, Throwable why) {
    List<Parcel.Portion> portions = parcel.portions();
    for (Parcel.Portion portion : portions.subList(1, portions.size())) {
      Failure _ = trail.unrecorded(parcel.call(), portion.attested(), portion.made(), why);
    }
    Parcel.Portion first = portions.getFirst();
    return trail.unrecorded(parcel.call(), first.attested(), first.made(), why);
  }

  /** The last look, as each that its caller stands as. */
  private void confirm(Parcel<?> parcel) throws Failure {
    List<Parcel.Portion> portions = parcel.portions();
    for (Parcel.Portion portion : portions) {
      try {
        attestation.confirm(parcel.call(), portion.attested(), portion.made());
      } catch (Failure onRecord) {
        // The others go nowhere either.
        List<Parcel.Portion> others = new ArrayList<>(portions);
        others.remove(portion);
        undelivered(parcel, others);
        throw onRecord;
      }
    }
  }

  private void undelivered(Parcel<?> parcel, List<Parcel.Portion> portions) {
    portions.forEach(each -> trail.undelivered(parcel.call(), each.attested(), each.made()));
  }

  private boolean answer(Parcel<?> parcel) {
    Runnable lost = () -> ways.apart(() -> takeBack(parcel));
    if (!parcel.call().exchange().answer(parcel.answer(), lost)) {
      return false;
    }
    parcel.handedOver();
    parcel.portions().forEach(portion -> trail.handedOver(portion.made()));
    return true;
  }

  static Throwable cause(Throwable error) {
    return error instanceof CompletionException && error.getCause() != null
        ? error.getCause()
        : error;
  }
}
