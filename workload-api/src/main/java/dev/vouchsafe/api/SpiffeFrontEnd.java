package dev.vouchsafe.api;

import dev.vouchsafe.attestation.RegistrationSet;
import dev.vouchsafe.ca.AuthorityInfo;
import io.grpc.Metadata;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.Future;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The SPIFFE Workload Endpoint: its socket's server, and the look for news, at which every open
 * stream asks again.
 */
final class SpiffeFrontEnd implements AutoCloseable {
  private static final QuietLog LOG = new QuietLog(SpiffeFrontEnd.class);
  private static final long LOOK_MILLIS = 250;

  /** Without it a request may be one that something else was tricked into (section 4.2). */
  private static final Metadata.Key<String> SECURITY_HEADER =
      Metadata.Key.of("workload.spiffe.io", Metadata.ASCII_STRING_MARSHALLER);

  private final RpcServer server;
  private final RpcStreams streams;
  private final SvidCache svids;
  private final RegistrationChanges registrations;
  private final ApiParts parts;
  private final Workers workers;
  private final AtomicBoolean looking = new AtomicBoolean();
  private final Future<?> timer;
  private volatile News last;

  /** What streams tell of; whenever it is another, there is news. */
  private record News(
      RegistrationSet registrations,
      List<String> authorities,
      long bundle,
      String jwks,
      long revocations,
      long epoch) {}

  SpiffeFrontEnd(
      RpcServer server,
      RpcStreams streams,
      SvidCache svids,
      SpiffeApi api,
      RegistrationChanges registrations,
      ApiParts parts,
      Workers workers,
      EventLoopGroup timers) {
    this.server = server;
    this.streams = streams;
    this.svids = svids;
    this.registrations = registrations;
    this.parts = parts;
    this.workers = workers;
    this.last = news();
    server.add(SpiffeWorkloadAPIGrpc.getServiceDescriptor(), SpiffeFrontEnd::checkHeader, api);
    this.timer =
        timers.scheduleWithFixedDelay(this::tick, LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
  }

  void start() throws IOException {
    server.start();
  }

  /** The header once, with exactly that value (SPIFFE Workload Endpoint section 3). */
  private static void checkHeader(Metadata headers) throws Failure {
    Iterable<String> values = headers.getAll(SECURITY_HEADER);
    List<String> all = new ArrayList<>();
    if (values != null) {
      values.forEach(all::add);
    }
    if (!all.equals(List.of("true"))) {
      throw Failure.of(
          Problem.REQUEST_INVALID, "the security header workload.spiffe.io: true is missing");
    }
  }

  /** On an event loop, which a look must not hold up. */
  private void tick() {
    if ((streams.count() == 0 && svids.size() == 0) || !looking.compareAndSet(false, true)) {
      return;
    }
    try {
      workers.execute(this::look);
    } catch (Failure busyOrStopping) {
      looking.set(false);
    }
  }

  private void look() {
    try {
      News before = last;
      News now = news();
      if (now.equals(before)) {
        return;
      }
      last = now;
      if (!now.authorities().equals(before.authorities())) {
        svids.authoritiesChanged();
      }
      svids.keepOnly(now.registrations());
      streams.wake();
    } catch (RuntimeException e) {
      LOG.error("the look for news failed", e);
    } finally {
      looking.set(false);
    }
  }

  private News news() {
    return new News(
        registrations.current(),
        parts.authority().authorities().stream().map(SpiffeFrontEnd::standing).toList(),
        parts.bundles().current().sequence(),
        parts.authority().tokens().jwks(),
        parts.authority().revocations().changes(),
        parts.clock().epoch());
  }

  private static String standing(AuthorityInfo authority) {
    return authority.id() + " " + authority.state();
  }

  /** Takes no more calls, and ends the streams. */
  void drain() {
    timer.cancel(false);
    server.drain();
  }

  @Override
  public void close() {
    server.close();
  }
}
