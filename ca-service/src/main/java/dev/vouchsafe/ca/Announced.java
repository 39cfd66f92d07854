package dev.vouchsafe.ca;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** What is known of the steps that the service takes by itself. */
final class Announced {
  private final List<Consumer<RotationEvent>> listeners = new CopyOnWriteArrayList<>();
  private volatile Optional<String> problem = Optional.empty();

  void listen(Consumer<RotationEvent> listener) {
    listeners.add(listener);
  }

  void tell(RotationEvent event) {
    listeners.forEach(listener -> listener.accept(event));
  }

  /** Why no step is taken now though one should be; empty if none should. */
  void problem(Optional<String> why) {
    problem = why;
  }

  Optional<String> problem() {
    return problem;
  }
}
