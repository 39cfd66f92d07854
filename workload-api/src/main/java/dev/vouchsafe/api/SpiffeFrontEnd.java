package dev.vouchsafe.api;

import dev.vouchsafe.attestation.RegistrationSet;
import io.grpc.Metadata;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.Future;
import io.spiffe.workloadapi.grpc.SpiffeWorkloadAPIGrpc;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/**
 * The SPIFFE Workload Endpoint: its socket's server, and the look for news, at which every open
 * stream asks again.
 */
final class SpiffeFrontEnd implements AutoCloseable {
  private static final QuietLog LOG = new QuietLog(SpiffeFrontEnd.class);
  private static final long LOOK_MILLIS = 250;
  private static final Duration JUMP = Duration.ofSeconds(30);

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
  private volatile Instant wall;
  private volatile long nanos;

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
    this.wall = parts.clock().instant();
    this.nanos = System.nanoTime();
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
      boolean jumped = hasJumped();
      svids.keepOnly(now.registrations());
      if (now.equals(before) && !jumped) {
        return;
      }
      last = now;
      if (!now.authorities().equals(before.authorities())) {
        svids.authoritiesChanged();
      }
      streams.wake();
    } catch (RuntimeException e) {
      LOG.error("the look for news failed", e);
    } finally {
      looking.set(false);
    }
  }

  /** Whether the machine slept, or its clock was set: what was to be renewed later may be due. */
  private boolean hasJumped() {
    Instant wallNow = parts.clock().instant();
    long nanosNow = System.nanoTime();
    Duration passed = Duration.ofNanos(nanosNow - nanos);
    Duration apart = Duration.between(wall, wallNow).minus(passed).abs();
    if (apart.compareTo(JUMP) < 0 && passed.compareTo(JUMP) < 0) {
      return false;
    }
    wall = wallNow;
    nanos = nanosNow;
    return apart.compareTo(JUMP) >= 0;
  }

  private News news() {
    return new News(
        registrations.current(),
        signing(),
        parts.bundles().current().sequence(),
        parts.authority().tokens().jwks(),
        parts.authority().revocations().changes(),
        parts.clock().epoch());
  }

  /** Who signs, and who is believed no more; issuing CAs come and go without being news. */
  private List<String> signing() {
    return Stream.concat(
            Stream.of(parts.authority().signer()),
            parts.authority().revocations().distrusted().stream().map(id -> "not " + id))
        .toList();
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
