package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Caller;
import java.util.function.Function;

/**
 * One request of a module, as the workers see it.
 *
 * @param exchange what is to be answered
 * @param caller who asked; stays open until the answer
 * @param errors the format of its errors
 */
record ModuleCall(Exchange exchange, Caller caller, Function<Failure, Response> errors) {
  Request request() {
    return exchange.request();
  }

  /** Answers with an error, unless it was answered. */
  void fail(Failure failure) {
    boolean _ = answer(failure);
  }

  /** The same; whether this was the answer. */
  boolean answer(Failure failure) {
    return exchange.answer(errors.apply(failure), Exchange.NOTHING_LOST);
  }
}
