package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.stream.ChunkedWriteHandler;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One connection without a socket: when it reads, what it keeps, and what it does at its end. */
class HttpConnectionTest {
  private final FakeRoutes routes = new FakeRoutes();
  private final Reads reads = new Reads();
  private final Quota bodies = BodyBuffer.budget(4 * 40_000);
  private EmbeddedChannel channel = new EmbeddedChannel();

  /** Counts how often more is asked for. */
  @ChannelHandler.Sharable
  private static final class Reads extends ChannelOutboundHandlerAdapter {
    private int count;

    @Override
    public void read(ChannelHandlerContext ctx) {
      count++;
      ctx.read();
    }
  }

  private HttpConnection open(Consumer<HttpConnection> opening) {
    channel.finishAndReleaseAll();
    HttpConnection connection = new HttpConnection(routes, TestServer.QUICK, body(), opening);
    channel = new EmbeddedChannel();
    channel.config().setAutoRead(false);
    channel
        .pipeline()
        .addLast(reads, connection.intake(), new HttpServerCodec(HttpRules.decoder()), connection);
    channel.pipeline().fireChannelActive();
    return connection;
  }

  private BodyBuffer body() {
    return new BodyBuffer(routes.longestBody(), bodies, "test");
  }

  private static void begin(HttpConnection connection) {
    connection.begin(Peer.of("test"));
  }

  private void send(String text) {
    channel.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1));
  }

  private String received() {
    StringBuilder out = new StringBuilder();
    for (ByteBuf piece = channel.readOutbound(); piece != null; piece = channel.readOutbound()) {
      out.append(piece.toString(StandardCharsets.ISO_8859_1));
      piece.release();
    }
    return out.toString();
  }

  @AfterEach
  void close() {
    channel.finishAndReleaseAll();
  }

  /** The memory that a reader who takes nothing costs is that of a few pieces, not of the body. */
  @Test
  void aLargeAnswerWaitsUntilItsReaderTakesMore() {
    int length = 5_000_000;
    HttpConnection connection = open(opened -> {});
    channel
        .pipeline()
        .addBefore(
            channel.pipeline().context(connection).name(), "pieces", new ChunkedWriteHandler());
    begin(connection);
    writable(false);

    send(Bodies.get("/large?more=" + length));

    assertThat(received().length()).isLessThan(3 * Pieces.LENGTH);
    writable(true);
    channel.runPendingTasks();
    assertThat(received()).hasSizeGreaterThan(length - 3 * Pieces.LENGTH);
    send(Bodies.get("/next"));
    assertThat(received()).as("the connection goes on").contains("GET /next");
  }

  private void writable(boolean is) {
    Objects.requireNonNull(channel.unsafe().outboundBuffer()).setUserDefinedWritability(1, is);
  }

  @Test
  void nothingIsTakenBeforeTheFirstLookHasEnded() {
    List<HttpConnection> looking = new ArrayList<>();
    HttpConnection connection = open(looking::add);
    send(Bodies.get("/early"));
    assertThat(looking).containsExactly(connection);
    assertThat(routes.served).isZero();
    begin(connection);
    assertThat(routes.served).isEqualTo(1);
    assertThat(received()).contains("GET /early");
  }

  @Test
  void aConnectionThatIsToEndStaysOpenUntilTheFirstLookHasEnded() {
    HttpConnection connection = open(opened -> {});
    connection.drain();
    channel.runPendingTasks();
    assertThat(channel.isOpen()).as("a worker still uses its descriptor").isTrue();
    begin(connection);
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void oneWhoseFirstLookHasNotEndedIsNotToGoAndEndsAfterItIfItHasTo() {
    HttpConnection connection = open(opened -> {});
    assertThat(connection.mayGo()).isFalse();
    connection.giveWay();
    channel.runPendingTasks();
    assertThat(channel.isOpen()).as("a worker still uses its descriptor").isTrue();
    begin(connection);
    assertThat(channel.isOpen()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "GET /x", "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"})
  void oneThatGivesWayBetweenRequestsEndsAndInTheMidstOfOneItIsToldWhy(String begun) {
    HttpConnection connection = open(HttpConnectionTest::begin);
    if (!begun.isEmpty()) {
      send(begun);
    }
    assertThat(connection.mayGo()).isTrue();
    connection.giveWay();
    channel.runPendingTasks();
    assertThat(channel.isOpen()).isFalse();
    assertThat(received().contains("too-many-connections")).isEqualTo(!begun.isEmpty());
  }

  @Test
  void oneWhoseRequestIsWorkedOnIsNotToGoAndIsAnsweredIfItHasTo() {
    routes.atOnce = false;
    HttpConnection connection = open(HttpConnectionTest::begin);
    send(Bodies.get("/1"));
    assertThat(connection.mayGo()).isFalse();
    connection.giveWay();
    channel.runPendingTasks();
    assertThat(channel.isOpen()).isTrue();
    Exchange exchange = routes.waiting.remove();
    exchange.answer(FakeRoutes.echo(exchange.request()));
    channel.runPendingTasks();
    assertThat(received()).contains("/1");
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void oneRequestIsWorkedOnAtATimeAndNothingIsReadMeanwhile() {
    routes.atOnce = false;
    open(HttpConnectionTest::begin);
    send(
        Bodies.get("/1")
            + Bodies.get("/2")
            + Bodies.post("/3", "x")
            + Bodies.get("/4").substring(0, 9));
    int readsBefore = reads.count;
    assertThat(routes.served).isEqualTo(1);
    for (int i = 1; i <= 3; i++) {
      assertThat(routes.served).isEqualTo(i);
      assertThat(reads.count).as("no read while it is worked on").isEqualTo(readsBefore);
      Exchange exchange = routes.waiting.remove();
      exchange.answer(FakeRoutes.echo(exchange.request()));
      assertThat(received()).contains("/" + i);
    }
    assertThat(reads.count).as("all that came was taken").isGreaterThan(readsBefore);
    send(Bodies.get("/4").substring(9));
    assertThat(routes.served).isEqualTo(4);
  }

  @Test
  void whoSendsAThousandRequestsAheadIsAnsweredAFewAndLeft() {
    routes.atOnce = false;
    open(HttpConnectionTest::begin);
    send(Bodies.get("/x").repeat(1000));
    int answered = 0;
    while (!routes.waiting.isEmpty()) {
      Exchange exchange = routes.waiting.remove();
      exchange.answer(FakeRoutes.echo(exchange.request()));
      channel.runPendingTasks();
      answered++;
    }
    assertThat(answered).isBetween(2, 32);
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void onlyTheFirstAnswerCountsAndALostOneIsToldOnce() {
    routes.atOnce = false;
    open(HttpConnectionTest::begin);
    List<String> told = new ArrayList<>();
    send(Bodies.get("/1") + Bodies.get("/2"));
    Exchange first = routes.waiting.remove();
    first.whenDone(() -> told.add("done 1"));
    assertThat(first.answer(Response.empty(Status.OK), () -> told.add("lost 1"))).isTrue();
    assertThat(first.answer(Response.empty(Status.OK), () -> told.add("lost 1 again"))).isFalse();
    first.answer(Response.empty(Status.INTERNAL_SERVER_ERROR));
    assertThat(received()).contains(" 200 ").doesNotContain(" 500 ");
    Exchange second = routes.waiting.remove();
    second.whenDone(() -> told.add("done 2"));
    second.whenHungUp(() -> told.add("hung up 2"));
    ChannelFuture _ = channel.close();
    channel.runPendingTasks();
    second.answer(Response.empty(Status.OK), () -> told.add("lost 2"));
    assertThat(told).containsExactly("done 1", "hung up 2", "lost 2", "done 2");
  }

  @Test
  void aBodyIsCountedUntilItsRequestHasEndedWhateverEndsIt() {
    routes.atOnce = false;
    open(HttpConnectionTest::begin);
    send(Bodies.post("/1", "x".repeat(30_000)));
    assertThat(bodies.held()).isBetween(30_000, 40_000);
    routes.waiting.remove().answer(Response.empty(Status.OK));
    assertThat(bodies.held()).as("answered").isZero();

    send(Bodies.post("/2", "x".repeat(30_000)));
    Exchange left = routes.waiting.remove();
    ChannelFuture _ = channel.close();
    channel.runPendingTasks();
    assertThat(bodies.held()).as("it hung up, and its body is still worked on").isPositive();
    left.answer(Response.empty(Status.OK));
    assertThat(bodies.held()).isZero();

    open(HttpConnectionTest::begin);
    send(Bodies.post("/3", "x".repeat(30_000)).substring(0, 20_000));
    assertThat(bodies.held()).isPositive();
    ChannelFuture _ = channel.close();
    channel.runPendingTasks();
    assertThat(bodies.held()).as("half a body, and gone").isZero();

    open(HttpConnectionTest::begin);
    send(Bodies.post("no-path", "x".repeat(30_000)));
    assertThat(received()).startsWith("HTTP/1.1 400 BadRequest");
    assertThat(bodies.held()).as("refused once it was whole").isZero();
  }

  @Test
  void aBodyOverTheBudgetIsAnsweredAndItsConnectionEnds() {
    open(HttpConnectionTest::begin);
    send(Bodies.post("/1", "x".repeat(50_000)) + Bodies.get("/2"));
    assertThat(received())
        .startsWith("HTTP/1.1 429 TooManyRequests")
        .containsIgnoringCase("retry-after: 1")
        .containsIgnoringCase("connection: close")
        .contains("too-many-bodies")
        .doesNotContain("/2");
    assertThat(bodies.held()).isZero();
    assertThat(routes.served).isZero();
  }

  @Test
  void aRouteThatBreaksIsAnsweredAndTheConnectionGoesOn() {
    Routes broken =
        new Routes() {
          @Override
          public void serve(Exchange exchange) {
            throw new IllegalStateException("a cause that stays inside");
          }

          @Override
          public Response refusal(Failure failure) {
            return ErrorAnswers.problem(failure);
          }
        };
    HttpConnection connection =
        new HttpConnection(broken, TestServer.QUICK, body(), HttpConnectionTest::begin);
    channel.finishAndReleaseAll();
    channel =
        new EmbeddedChannel(
            connection.intake(), new HttpServerCodec(HttpRules.decoder()), connection);
    send(Bodies.get("/1") + Bodies.get("/2"));
    assertThat(received().split("HTTP/1.1 500 InternalServerError", -1)).hasSize(3);
    assertThat(channel.isOpen()).isTrue();
  }

  private static final String REFUSED = "HTTP/1.1 403 Forbidden";

  /** What another process than the one that connected wrote. */
  private void sendForeign(HttpConnection connection, String text, List<String> told) {
    connection.intake().nextIsForeign(() -> told.add("told"));
    send(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "GE",
        "POST /1 HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
        "GET /1 HTTP/1.1\r\nA: "
      })
  void octetsOfAnotherProcessAreRefusedWhereverTheyCome(String before) {
    HttpConnection connection = open(HttpConnectionTest::begin);
    send(before);
    List<String> told = new ArrayList<>();
    sendForeign(connection, Bodies.get("/foreign"), told);
    assertThat(received()).startsWith(REFUSED).containsIgnoringCase("connection: close");
    connection.intake().nextIsOwn();
    send(Bodies.get("/own"));
    assertThat(received()).isEmpty();
    assertThat(routes.served).isZero();
    assertThat(told).containsExactly("told");
  }

  @Test
  void octetsOfAnotherProcessThatCameBeforeTheFirstLookAreRefusedAfterIt() {
    HttpConnection connection = open(opened -> {});
    sendForeign(connection, Bodies.get("/foreign"), new ArrayList<>());
    assertThat(received()).isEmpty();
    begin(connection);
    assertThat(received()).startsWith(REFUSED);
    assertThat(routes.served).isZero();
  }

  @Test
  void whatIsUnderWayWhenAnotherProcessWritesIsNotGivenOut() {
    routes.atOnce = false;
    HttpConnection connection = open(HttpConnectionTest::begin);
    send(Bodies.get("/1"));
    Exchange exchange = routes.waiting.remove();
    sendForeign(connection, Bodies.get("/2"), new ArrayList<>());
    List<String> lost = new ArrayList<>();
    exchange.whenDone(() -> lost.add("done"));
    exchange.answer(FakeRoutes.echo(exchange.request()), () -> lost.add("lost"));
    assertThat(received()).startsWith(REFUSED).doesNotContain("GET /");
    assertThat(lost).containsExactly("lost", "done");
    assertThat(routes.served).isEqualTo(1);
  }
}
