package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Verdict;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

/** Something that was issued, on its way to the caller; one that comes back does so once. */
final class Parcel<T> {
  private enum Place {
    HERE,
    HANDED_OVER,
    BACK
  }

  /**
   * What was made for a caller as one registration.
   *
   * @param attested as which it stands
   */
  record Portion(Verdict.Attested attested, AuditTrail.Made made) {}

  private final ModuleCall call;
  private final T issued;
  private final ModuleCalls.Handling<T> handling;
  private final List<Portion> portions;
  private volatile boolean arrived;
  private final AtomicReference<Place> place = new AtomicReference<>(Place.HERE);
  private final AtomicBoolean told = new AtomicBoolean();

  Parcel(ModuleCall call, T issued, ModuleCalls.Handling<T> handling) {
    this.call = call;
    this.issued = issued;
    this.handling = handling;
    this.portions = handling.portions().apply(issued);
  }

  ModuleCall call() {
    return call;
  }

  /** What is in it, one for each registration that its caller stands as; each on record apart. */
  List<Portion> portions() {
    return portions;
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
   * It stays here, or has come back from a connection that ended. Also one that was kept before it
   * was on record must be told of once it is.
   *
   * @param tell has it told that it is taken back; done once
   */
  void takeBack(Runnable tell) {
    boolean first = place.getAndSet(Place.BACK) != Place.BACK;
    if (first && arrived) {
      handling.receipt().lost();
    }
    try {
      if (told.compareAndSet(false, true)) {
        tell.run();
      }
    } finally {
      if (first) {
        handling.withhold().accept(issued);
      }
    }
  }
}
