package dev.vouchsafe.api;

import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;

/**
 * Bounds the calls that are open, of all services, in all and for each user: what one may say
 * before it is whole, and what is kept of it, is memory.
 */
final class RpcPlaces implements ServerInterceptor {
  private final Quota places;

  /**
   * @param places how many calls may be open, in all and for each user
   */
  RpcPlaces(Quota places) {
    this.places = places;
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    RpcLink link = call.getAttributes().get(RpcNegotiator.LINK);
    if (link == null) {
      throw new IllegalStateException("a call without its connection");
    }
    Object owner = link.peer().owner();
    if (!places.enter(owner)) {
      Status status =
          RpcError.status(
              RpcError.of(Failure.of(Problem.TOO_MANY_REQUESTS, "too many calls are open")));
      call.close(status, new Metadata());
      return new ServerCall.Listener<>() {};
    }
    boolean started = false;
    try {
      ServerCall.Listener<Q> listener = next.startCall(call, headers);
      started = true;
      return new Leaving<>(listener, owner);
    } finally {
      if (!started) {
        places.leave(owner);
      }
    }
  }

  /** gRPC tells of the end of a call once, in one of two ways. */
  private final class Leaving<Q> extends SimpleForwardingServerCallListener<Q> {
    private final Object owner;

    Leaving(ServerCall.Listener<Q> listener, Object owner) {
      super(listener);
      this.owner = owner;
    }

    @Override
    public void onComplete() {
      places.leave(owner);
      super.onComplete();
    }

    @Override
    public void onCancel() {
      places.leave(owner);
      super.onCancel();
    }
  }
}
