package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Attestor;
import dev.vouchsafe.trust.BundleReaders;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.IntegerUnixChannelOption;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** The front ends, from the first bind to the last answer. */
final class RunningServer implements ApiServer {
  private static final QuietLog LOG = new QuietLog(RunningServer.class);
  private static final int BACKLOG = 1024;

  /**
   * SO_OOBINLINE of SOL_SOCKET. Otherwise an octet of urgent data (MSG_OOB, Linux 5.15) makes a
   * Unix socket readable for ever without ever being read, and the event loop turns on the spot.
   */
  private static final ChannelOption<Integer> URGENT_IN_LINE =
      new IntegerUnixChannelOption("SO_OOBINLINE", 1, 10);

  private static final int LARGEST_READ = 16 * 1024;
  private static final int HTTPS_WORKERS = 2;
  private static final int IDLE_SECONDS = 60;
  private static final int LOOK_SECONDS = 1;

  /** Flash memory wears, and what is missing after a crash only makes a rotation wait. */
  private static final int SAVE_SECONDS = 60;

  /** Octets of bodies under way on the Unix sockets: an eighth of the heap that we run with. */
  private static final int UNIX_BODIES = 32 * 1024 * 1024;

  /** The same on https, whose paths need none. */
  private static final int HTTPS_BODIES = 4 * 1024 * 1024;

  /** One for whoever floods, and one for the rest. */
  private static final int LEAST_LOOPS = 2;

  private final Timeouts timeouts;
  private final EventLoopGroup unixLoops;
  private final EventLoopGroup httpsLoops;
  private final ExecutorService httpsWorkers;
  private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private final List<Channel> listeners = new ArrayList<>();
  private final List<SocketFile> files = new ArrayList<>();
  private final List<String> endpoints = new CopyOnWriteArrayList<>();
  private final BundleWaiters waiters;

  /** What ends the waits that requests are in. */
  private final List<Runnable> waiting = new ArrayList<>();

  private @Nullable SpiffeFrontEnd spiffe;

  private boolean closed;

  private RunningServer(ApiSettings settings, ApiParts parts, Timeouts timeouts) {
    this.timeouts = timeouts;
    int threads = Math.max(LEAST_LOOPS, Runtime.getRuntime().availableProcessors() / 2);
    this.unixLoops = new UserLoops(threads, "vouchsafe-unix");
    // Of its own, so that a flood of handshakes takes nothing from the modules.
    this.httpsLoops =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("vouchsafe-https"), EpollIoHandler.newFactory());
    ApiSettings.Limits limits = settings.limits();
    this.httpsWorkers = workers(limits.connections());
    this.waiters =
        new BundleWaiters(
            parts.bundles(),
            unixLoops,
            // A connection that waits gives no place up: half of them must not.
            new Quota(Math.max(1, limits.connections() / 2), Math.max(1, limits.perUid() / 2)));
    waiting.add(waiters::close);
  }

  /** Starts every listener, or none. */
  static RunningServer start(ApiSettings settings, ApiParts parts, Timeouts timeouts)
      throws IOException {
    if (!Epoll.isAvailable()) {
      throw new IOException(
          "Netty's native epoll transport can't be loaded: Linux on x86-64 or arm64 is needed",
          Epoll.unavailabilityCause());
    }
    RunningServer server = new RunningServer(settings, parts, timeouts);
    boolean started = false;
    try {
      server.listen(settings, parts);
      started = true;
      return server;
    } finally {
      if (!started) {
        server.close();
      }
    }
  }

  private void listen(ApiSettings settings, ApiParts parts) throws IOException {
    ApiSettings.Limits limits = settings.limits();
    Workers workers = new Workers(parts.workers());
    CallerWorkers lookers = new CallerWorkers(workers, parts.heldUp(), System::nanoTime);
    lookers.watch(unixLoops);
    Metrics metrics = new Metrics();
    AuditTrail trail = new AuditTrail(parts.audit(), parts.attestor(), metrics);
    RegistrationChanges registrations = new RegistrationChanges(parts.registrations(), trail);
    Attestation attestation =
        new Attestation(registrations, parts.attestor(), trail, parts.readers());
    BundleFetches fetches =
        new BundleFetches(
            parts.readers(),
            attestation,
            lookers,
            workers,
            new Quota(Math.max(1, limits.waiting() / 4), Math.max(1, limits.perUid() / 4)));
    BundleApi bundle = new BundleApi(parts.bundles(), waiters, fetches);
    waiting.add(looking(registrations, workers));
    waiting.add(saving(parts.readers(), workers));
    ModuleCalls calls =
        new ModuleCalls(
            workers,
            lookers,
            parts.authority(),
            attestation,
            trail,
            new Quota(limits.waiting(), limits.perUid()),
            this::after);
    BundleTexts texts = new BundleTexts(parts.bundles());
    RegistrationWaits waits = waits(parts, limits, lookers, attestation);
    Routes workload =
        new WorkloadRoutes(
            new V1Api(parts, calls, attestation, waits, trail, bundle, texts),
            new IotEdgeApi(parts, calls, attestation, trail, texts, fetches),
            metrics);
    watch(metrics, parts, calls);
    parts.clock().listen(trail::clock);
    AdminAuthorities authorities = new AdminAuthorities(parts, trail);
    parts.authority().changes().listen(authorities::unattended);
    AdminRecovery recovery = new AdminRecovery(parts, trail);
    recovery.resume(workers);
    Routes admin =
        new AdminApi(
            new AdminViews(parts, this::endpoints),
            new AdminKeys(parts, trail),
            authorities,
            new AdminRevocations(parts, trail),
            new AdminExplanations(parts, trail),
            new AdminClock(parts.clock(), trail),
            new AdminBundle(parts, trail),
            recovery,
            metrics,
            workers,
            lookers,
            new Quota(limits.waiting(), limits.perUid()));
    if (settings.https().isPresent()) {
      https(settings.https().get(), limits, parts, bundle);
    }
    Quota bodies = BodyBuffer.budget(UNIX_BODIES);
    unix(
        settings.admin(),
        "admin socket",
        "rw-rw----",
        listener(admin, limits, bodies, RunningServer::admit, null, null),
        EpollServerDomainSocketChannel::new);
    unix(
        settings.workload(),
        "workload socket",
        "rw-rw-rw-",
        listener(
            workload, limits, bodies, new FirstLook(parts.attestor(), lookers), null, attestation),
        () -> noting(parts.attestor()));
    if (settings.spiffe().isPresent()) {
      SvidCache svids = new SvidCache(parts.identity(), parts.authority(), parts.clock());
      spiffe(
          settings.spiffe().get(),
          new Doorkeeper(limits),
          new FirstLook(parts.attestor(), lookers),
          attestation,
          new RpcPlaces(new Quota(limits.streams(), limits.streamsPerUid())),
          svids,
          new SpiffeApi(parts, calls, attestation, waits, fetches, svids, timeouts.hold()),
          registrations,
          parts,
          workers);
    }
  }

  private void spiffe(
      Path path,
      Doorkeeper door,
      FirstLook firstLook,
      Attestation attestation,
      RpcPlaces places,
      SvidCache svids,
      SpiffeApi api,
      RegistrationChanges registrations,
      ApiParts parts,
      Workers workers)
      throws IOException {
    SocketFile file = SocketFile.prepare(path, "spiffe socket", "rw-rw-rw-");
    RpcStreams streams = new RpcStreams();
    files.add(file);
    RpcServer server =
        new RpcServer(
            file.bindAt(),
            () -> noting(parts.attestor()),
            unixLoops,
            new RpcNegotiator(door, connections, firstLook, attestation),
            streams,
            places,
            timeouts);
    server.option(URGENT_IN_LINE, 1);
    SpiffeFrontEnd started =
        new SpiffeFrontEnd(server, streams, svids, api, registrations, parts, workers, unixLoops);
    spiffe = started;
    try {
      started.start();
    } catch (IOException e) {
      throw BindFailures.of("spiffe socket " + path, e);
    }
    file.publish();
    endpoints.add("unix:" + path.toAbsolutePath());
  }

  private void after(long nanos, Runnable task) {
    try {
      Future<?> _ = unixLoops.schedule(task, nanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException stopping) {
      // The connections of whoever waits for that are about to be closed.
    }
  }

  private void watch(Metrics metrics, ApiParts parts, ModuleCalls calls) {
    metrics.watch(parts);
    metrics.gauge(
        "vouchsafe_connections", "Open connections, all listeners together.", connections::size);
    metrics.gauge(
        "vouchsafe_requests_under_way",
        "Requests of modules that are not answered yet, those in line included.",
        calls::underWay);
    metrics.gauge(
        "vouchsafe_requests_in_line",
        "Requests of modules that wait for their turn.",
        calls::inLine);
  }

  /** Looks for changes that no request makes us look for; returns what ends it. */
  private Runnable looking(RegistrationChanges registrations, Workers workers) {
    Future<?> timer =
        unixLoops.scheduleWithFixedDelay(
            () -> {
              try {
                workers.execute(registrations::current);
              } catch (Failure busyOrStopping) {
                // The next time will do.
              }
            },
            LOOK_SECONDS,
            LOOK_SECONDS,
            TimeUnit.SECONDS);
    return () -> timer.cancel(false);
  }

  /** Writes down now and then who has which bundle; returns what ends it. */
  private Runnable saving(BundleReaders readers, Workers workers) {
    Future<?> timer =
        unixLoops.scheduleWithFixedDelay(
            () -> {
              try {
                workers.execute(() -> save(readers));
              } catch (Failure busyOrStopping) {
                // The next time will do.
              }
            },
            SAVE_SECONDS,
            SAVE_SECONDS,
            TimeUnit.SECONDS);
    return () -> timer.cancel(false);
  }

  private static void save(BundleReaders readers) {
    try {
      readers.save();
    } catch (IOException e) {
      LOG.warning("who has which trust bundle can't be written down: " + e.getMessage());
    }
  }

  private RegistrationWaits waits(
      ApiParts parts, ApiSettings.Limits limits, CallerWorkers lookers, Attestation attestation) {
    RegistrationWaits waits =
        new RegistrationWaits(
            parts.registrations(),
            attestation,
            new Workers(parts.workers()),
            lookers,
            unixLoops,
            new Quota(Math.max(1, limits.waiting() / 4), Math.max(1, limits.perUid() / 4)));
    waiting.add(waits::close);
    return waits;
  }

  /** A socket whose connections tell who wrote to them, from before it listens. */
  private static EpollServerDomainSocketChannel noting(Attestor attestor) {
    EpollServerDomainSocketChannel channel = new EpollServerDomainSocketChannel();
    try {
      attestor.noteWriters(channel.fd().intValue());
      return channel;
    } catch (IOException e) {
      channel.unsafe().closeForcibly();
      throw new UncheckedIOException("its writers can't be told", e);
    }
  }

  private Listener listener(
      Routes routes,
      ApiSettings.Limits limits,
      Quota bodies,
      BiConsumer<? super HttpConnection, Object> firstStep,
      Listener.@Nullable Tls tls,
      @Nullable Attestation writers) {
    return new Listener(
        routes, timeouts, new Doorkeeper(limits), bodies, connections, firstStep, tls, writers);
  }

  private void unix(
      Path path,
      String setting,
      String mode,
      Listener listener,
      ChannelFactory<EpollServerDomainSocketChannel> sockets)
      throws IOException {
    SocketFile file = SocketFile.prepare(path, setting, mode);
    files.add(file);
    ServerBootstrap bootstrap =
        bootstrap(unixLoops, listener)
            .channelFactory(sockets)
            // A caller that has sent all it has to say may still read its answer.
            .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
            .childOption(URGENT_IN_LINE, 1);
    bind(bootstrap.bind(new DomainSocketAddress(file.bindAt().toString())), setting + " " + path);
    file.publish();
    endpoints.add("unix:" + path.toAbsolutePath());
  }

  private void https(
      ApiSettings.Https settings, ApiSettings.Limits limits, ApiParts parts, BundleApi bundle)
      throws IOException {
    HttpsIdentity identity = new HttpsIdentity();
    HttpsRenewal renewal =
        new HttpsRenewal(
            parts.authority(), parts.clock(), Grants.https(settings), identity, timeouts.tick());
    renewal.first(timeouts.firstCertificate());
    Health health = new Health(parts, identity::certificate);
    Routes routes =
        new PublicApi(
            bundle,
            new TokenKeysApi(parts.authority()),
            new OpenIdApi(parts.identity()),
            new RevocationApi(parts.authority(), parts.clock()),
            health,
            new Workers(httpsWorkers));
    parts.authority().revocations().serve();
    Listener.Tls tls = new Listener.Tls(HttpsListener.context(identity), httpsWorkers);
    ServerBootstrap bootstrap =
        bootstrap(
                httpsLoops,
                listener(
                    routes,
                    limits,
                    BodyBuffer.budget(HTTPS_BODIES),
                    (connection, owner) -> connection.begin(Peer.of(owner)),
                    tls,
                    null))
            .channel(EpollServerSocketChannel.class)
            .option(ChannelOption.SO_REUSEADDR, true);
    InetSocketAddress address =
        settings.host().isEmpty()
            ? new InetSocketAddress(settings.port())
            : new InetSocketAddress(settings.host(), settings.port());
    String what = "[listen] https = " + settings.host() + ":" + settings.port();
    Channel channel = bind(bootstrap.bind(address), what);
    endpoints.add("https://" + shownHost(settings) + ":" + port(channel));
    long tick = timeouts.tick().toMillis();
    Future<?> _ =
        httpsLoops.scheduleWithFixedDelay(renewal::look, tick, tick, TimeUnit.MILLISECONDS);
  }

  private static ServerBootstrap bootstrap(EventLoopGroup loops, Listener listener) {
    // One small read at a time: what one connection can make us keep is bounded.
    AdaptiveRecvByteBufAllocator reads = new AdaptiveRecvByteBufAllocator(512, 2048, LARGEST_READ);
    reads.maxMessagesPerRead(1);
    return new ServerBootstrap()
        .group(loops)
        .childHandler(listener)
        .option(ChannelOption.SO_BACKLOG, BACKLOG)
        .childOption(ChannelOption.AUTO_READ, false)
        .childOption(ChannelOption.RECVBUF_ALLOCATOR, reads);
  }

  private Channel bind(ChannelFuture bound, String what) throws IOException {
    bound.awaitUninterruptibly();
    listeners.add(bound.channel());
    if (!bound.isSuccess()) {
      throw BindFailures.of(what, bound.cause());
    }
    return bound.channel();
  }

  private static int port(Channel channel) {
    return ((InetSocketAddress) channel.localAddress()).getPort();
  }

  private static String shownHost(ApiSettings.Https settings) {
    if (settings.host().isEmpty()) {
      return Optional.of(settings.dns())
          .filter(names -> !names.isEmpty())
          .map(List::getFirst)
          .orElse("localhost");
    }
    return settings.host().indexOf(':') < 0 ? settings.host() : "[" + settings.host() + "]";
  }

  /**
   * Threads for the https listener alone, so that its handshakes take none from the modules.
   *
   * @param connections each waits for one thing at a time at most
   */
  private static ExecutorService workers(int connections) {
    ThreadPoolExecutor workers =
        new ThreadPoolExecutor(
            HTTPS_WORKERS,
            HTTPS_WORKERS,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(connections),
            new DefaultThreadFactory("vouchsafe-https-worker", true));
    workers.allowCoreThreadTimeOut(true);
    return workers;
  }

  private static void admit(HttpConnection connection, Object owner) {
    LOG.info("administrator's connection from uid " + owner);
    connection.begin(Peer.of(owner));
  }

  @Override
  public List<String> endpoints() {
    return List.copyOf(endpoints);
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    files.forEach(RunningServer::remove);
    listeners.forEach(channel -> channel.close().awaitUninterruptibly());
    for (Channel channel : connections) {
      HttpConnection connection = channel.pipeline().get(HttpConnection.class);
      if (connection != null) {
        channel.eventLoop().execute(connection::drain);
      }
    }
    SpiffeFrontEnd front = spiffe;
    if (front != null) {
      front.drain();
    }
    // After the connections know that they are to end, so that these answers are their last.
    waiting.forEach(Runnable::run);
    connections.newCloseFuture().awaitUninterruptibly(timeouts.drain().toMillis());
    if (front != null) {
      front.close();
    }
    connections.close().awaitUninterruptibly(timeouts.linger().toMillis());
    httpsWorkers.shutdown();
    for (EventLoopGroup loops : List.of(unixLoops, httpsLoops)) {
      Future<?> _ =
          loops.shutdownGracefully(0, timeouts.linger().toMillis(), TimeUnit.MILLISECONDS);
    }
    for (EventLoopGroup loops : List.of(unixLoops, httpsLoops)) {
      loops.terminationFuture().awaitUninterruptibly(timeouts.drain().toMillis());
    }
  }

  private static void remove(SocketFile file) {
    try {
      file.close();
    } catch (IOException e) {
      LOG.warning("a socket file was left: " + e.getMessage());
    }
  }
}
