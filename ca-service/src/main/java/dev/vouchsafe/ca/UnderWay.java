package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Counts the work under way, so that closing can refuse more and wait for the rest. */
final class UnderWay {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition none = lock.newCondition();
  private int count;
  private boolean closing;

  /** Whether work may begin; if so, it must {@link #leave}. */
  boolean enter() {
    lock.lock();
    try {
      if (!closing) {
        count++;
      }
      return !closing;
    } finally {
      lock.unlock();
    }
  }

  void leave() {
    lock.lock();
    try {
      count--;
      none.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Lets nothing more begin, and waits until all that began has left, but no longer than this. */
  boolean close(Duration longest) {
    lock.lock();
    try {
      closing = true;
      long left = longest.toNanos();
      while (count > 0 && left > 0) {
        left = none.awaitNanos(left);
      }
      return count == 0;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }
}
