package dev.vouchsafe.api;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import java.util.ArrayList;
import java.util.List;

/** An exchange without a connection. */
final class FakeExchange implements Exchange {
  final List<Response> answers = new ArrayList<>();
  private final List<Runnable> done = new ArrayList<>();
  private final List<Runnable> hungUp = new ArrayList<>();
  private final Peer peer;

  FakeExchange(Object owner) {
    this.peer = Peer.of(owner);
  }

  @Override
  public Request request() {
    try {
      return new Request(HttpMethod.GET, "/", new DefaultHttpHeaders(), new byte[0]);
    } catch (Failure failure) {
      throw new AssertionError(failure);
    }
  }

  @Override
  public Peer peer() {
    return peer;
  }

  @Override
  public synchronized boolean answer(Response response, Runnable lost) {
    answers.add(response);
    done.forEach(Runnable::run);
    done.clear();
    return true;
  }

  @Override
  public void whenDone(Runnable action) {
    done.add(action);
  }

  @Override
  public void whenHungUp(Runnable action) {
    hungUp.add(action);
  }

  @Override
  public void later(Runnable action) {
    action.run();
  }

  void hangUp() {
    hungUp.forEach(Runnable::run);
  }
}
