package dev.vouchsafe.ca;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Answers that may be given again: the last few thousand, a few MiB. */
final class OcspKept {
  private static final int MOST = 4096;

  /**
   * One that may be given from then until then: not longer, and not by a clock that was set back.
   */
  private record Kept(OcspAnswer answer, Instant from, Instant until) {}

  private final Map<String, Kept> answers =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Kept> eldest) {
          return size() > MOST;
        }
      };

  private long age;

  /** A number that changes whenever all is forgotten. */
  synchronized long age() {
    return age;
  }

  synchronized Optional<OcspAnswer> find(String key, Instant now) {
    return Optional.ofNullable(answers.get(key))
        .filter(it -> !now.isBefore(it.from()) && now.isBefore(it.until()))
        .map(Kept::answer);
  }

  /** Keeps an answer, unless all was forgotten since that age: it may say what no longer holds. */
  synchronized void keep(String key, OcspAnswer answer, Instant from, Instant until, long since) {
    if (since == age) {
      answers.put(key, new Kept(answer, from, until));
    }
  }

  synchronized void forget() {
    age++;
    answers.clear();
  }
}
