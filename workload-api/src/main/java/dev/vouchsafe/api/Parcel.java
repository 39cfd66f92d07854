package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Verdict;
import java.util.concurrent.atomic.AtomicReference;

/** Something that was issued, on its way to the caller; one that comes back does so once. */
final class Parcel<T> {
  private enum Place {
    HERE,
    HANDED_OVER,
    BACK
  }

  private final ModuleCall call;
  private final Verdict.Attested attested;
  private final T issued;
  private final ModuleCalls.Handling<T> handling;
  private volatile boolean arrived;
  private final AtomicReference<Place> place = new AtomicReference<>(Place.HERE);

  Parcel(ModuleCall call, Verdict.Attested attested, T issued, ModuleCalls.Handling<T> handling) {
    this.call = call;
    this.attested = attested;
    this.issued = issued;
    this.handling = handling;
  }

  ModuleCall call() {
    return call;
  }

  Verdict.Attested attested() {
    return attested;
  }

  AuditTrail.Made made() {
    return handling.made().apply(issued);
  }

  Response answer() {
    return handling.answer().apply(issued);
  }

  boolean isBack() {
    return place.get() == Place.BACK;
  }

  boolean isHandedOver() {
    return place.get() == Place.HANDED_OVER;
  }

  /** It went to the caller's connection, unless it has come back already. */
  void handedOver() {
    if (place.compareAndSet(Place.HERE, Place.HANDED_OVER)) {
      arrived = true;
      handling.receipt().arrived();
      if (isBack()) {
        handling.receipt().lost();
      }
    }
  }

  /** It stays here after all, unless it was handed over. */
  void keep() {
    if (place.compareAndSet(Place.HERE, Place.BACK)) {
      handling.withhold().accept(issued);
    }
  }

  /**
   * It stays here, or has come back from a connection that ended.
   *
   * @param told has it told that it is taken back
   */
  void takeBack(Runnable told) {
    if (place.getAndSet(Place.BACK) != Place.BACK) {
      if (arrived) {
        handling.receipt().lost();
      }
      try {
        told.run();
      } finally {
        handling.withhold().accept(issued);
      }
    }
  }
}
