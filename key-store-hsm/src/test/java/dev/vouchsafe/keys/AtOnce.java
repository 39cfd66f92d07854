package dev.vouchsafe.keys;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Work that several threads do at the same time, with the result of each. */
final class AtOnce {
  private AtOnce() {}

  /** The same work in several threads, which start together. */
  static <T> List<T> everyThread(int threads, Callable<T> work) throws Exception {
    CyclicBarrier start = new CyclicBarrier(threads);
    List<Callable<T>> all = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      all.add(() -> {
        start.await();
        return work.call();
      });
    }
    return run(all);
  }

  /** Each work in a thread of its own. */
  static <T> List<T> run(List<Callable<T>> work) throws Exception {
    try (ExecutorService executor = Executors.newFixedThreadPool(work.size())) {
      List<T> results = new ArrayList<>();
      for (Future<T> result : executor.invokeAll(work)) {
        results.add(result.get());
      }
      return results;
    }
  }
}
