package dev.vouchsafe.api;

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
      CompletableFuture<?> _ =
          trail
              .issued(parcel.call(), parcel.attested(), parcel.made())
              .whenComplete((done, error) ->
                  goOn(parcel, () -> handOver(parcel, error), () -> takeBack(parcel)));
    }
    return true;
  }

  /** What is on record as issued stays here after all. */
  private void takeBack(Parcel<?> parcel) {
    parcel.takeBack(() -> trail.undelivered(parcel.call(), parcel.attested(), parcel.made()));
  }

  private boolean handOver(Parcel<?> parcel, @Nullable Throwable unrecorded) throws Failure {
    if (unrecorded != null) {
      throw trail.unrecorded(parcel.call(), parcel.attested(), parcel.made(), cause(unrecorded));
    }
    if (parcel.isBack()) {
      // Given up before it was on record: the word that takes it back comes last.
      takeBack(parcel);
      return true;
    }
    boolean told = false;
    try {
      attestation.confirm(parcel.call(), parcel.attested(), parcel.made());
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

  private boolean answer(Parcel<?> parcel) {
    Runnable lost = () -> ways.apart(() -> takeBack(parcel));
    if (!parcel.call().exchange().answer(parcel.answer(), lost)) {
      return false;
    }
    parcel.handedOver();
    trail.handedOver(parcel.made());
    return true;
  }

  static Throwable cause(Throwable error) {
    return error instanceof CompletionException && error.getCause() != null
        ? error.getCause()
        : error;
  }
}
