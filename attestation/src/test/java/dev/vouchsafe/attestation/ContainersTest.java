package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.github.benmanes.caffeine.cache.Ticker;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Forged cgroups and engines that lie, hang or talk nonsense. Real engines have tests elsewhere.
 */
class ContainersTest {
  private static final String A = "a".repeat(64);
  private static final String D = "d".repeat(64);
  private static final String OURS = "0::/system.slice/docker-" + A + ".scope";
  private static final int INIT = 4711;
  private static final String GOOD =
      """
      {"Id": "%s", "Name": "/web", "Image": "sha256:%s",
       "State": {"Running": true, "Pid": %d},
       "Config": {"Image": "registry/web:1", "Labels": {"tier": "front", "empty": ""}},
       "HostConfig": {"Binds": null}}
      """
          .formatted(A, D, INIT);

  @TempDir Path folder;
  private final AtomicLong nanos = new AtomicLong();
  private final Scratch s = new Scratch();
  private FakeEngine engine;
  private Containers containers;

  /** What stands in the cgroup file of the container's first process; null if that has ended. */
  private @Nullable String ofInit = OURS;

  private final class Forged extends Kernel {
    @Override
    int open(Scratch s, int pid, String file) {
      String shown = pid == INIT ? ofInit : pid == INIT + 1 ? OURS : null;
      if (shown == null) {
        return -Libc.ENOENT;
      }
      try {
        Path text = Files.writeString(folder.resolve("cgroup"), shown);
        return Libc.open(s, s.path(text.toString()), Libc.O_RDONLY | Libc.O_CLOEXEC);
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @BeforeEach
  void open() throws Exception {
    assumeTrue(Samples.uid() == 0, "only what root listens on is believed: needs root");
    engine = new FakeEngine(folder.resolve("docker.sock"));
    engine.answers("200 OK", GOOD);
    containers =
        new Containers(
            new Forged(),
            new ScratchPool(),
            Map.of(Selector.Engine.DOCKER, engine.socket),
            nanos::get);
  }

  @AfterEach
  void close() throws Exception {
    if (containers != null) {
      containers.close();
      engine.close();
    }
  }

  private static ProcessCaller caller(String cgroup) {
    return new ProcessCaller(
        new ProcessCaller.Peer(1, 0, 0, List.of()),
        new ProcessCaller.Descriptors(-1, -1, -1),
        new ProcessCaller.State(
            new Credentials(0, 0, 0, 0, 0, 0, 0, 0),
            null,
            MemorySegment.ofArray(cgroup.getBytes(StandardCharsets.UTF_8)),
            null),
        new SocketId(0, 0),
        new ScratchPool());
  }

  private Finding check(String cgroup, String selector) {
    return containers.check(s, caller(cgroup), Samples.selector(selector));
  }

  private SelectorResult.Outcome outcome(String selector) {
    return check(OURS, selector).outcome();
  }

  @Test
  void whatTheEngineSaysIsCompared() {
    for (String holds :
        List.of(
            "container:engine:docker",
            "container:id:" + A,
            "container:name:web",
            "container:name:w*b",
            "container:image:registry/web:1",
            "container:image:registry/*",
            "container:image-digest:sha256:" + D,
            "container:label:tier=front",
            "container:label:tier=*",
            "container:label:empty=")) {
      assertThat(outcome(holds)).as(holds).isEqualTo(SelectorResult.Outcome.HOLDS);
    }
    for (String not :
        List.of(
            "container:engine:podman",
            "container:id:" + D,
            "container:name:we",
            "container:name:web*x",
            "container:image:registry/web",
            "container:image-digest:sha256:" + A,
            "container:label:tier=back",
            "container:label:Tier=front",
            "container:label:other=*")) {
      assertThat(outcome(not)).as(not).isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    }
    assertThat(engine.requests()).containsExactly("GET /containers/" + A + "/json HTTP/1.1");
  }

  @Test
  void anAnswerIsASecondOldAtMost() {
    assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.HOLDS);
    engine.answers("404 Not Found", "{}");
    nanos.addAndGet(Duration.ofMillis(900).toNanos());
    assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.HOLDS);
    nanos.addAndGet(Duration.ofMillis(101).toNanos());
    assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    assertThat(engine.requests()).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0::/",
        "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{A}.scope",
        "0::/user.slice/user-1000.slice/user@1000.service/docker/{A}",
        "0::/system.slice/evil.service/docker-{A}.scope",
        "5:memory:/docker/{A}|1:name=systemd:/docker/{D}",
      })
  void theEngineIsNotEvenAskedAboutACgroupThatAnybodyCanMake(String cgroup) {
    String text = cgroup.replace("{A}", A).replace("{D}", D).replace("|", "\n");
    assertThat(check(text, "container:name:web").outcome())
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    assertThat(engine.requests()).isEmpty();
  }

  @Test
  void aFirstProcessWhoseNumberAnotherHasByNowIsAskedForAgain() {
    assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.HOLDS);
    // Restarted within the second for which the answer is kept; its old number is a stranger's.
    ofInit = "0::/user.slice";
    engine.answers("200 OK", GOOD.replace("" + INIT, "" + (INIT + 1)));
    assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.HOLDS);
    assertThat(engine.requests()).hasSize(2);
    assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.HOLDS);
    assertThat(engine.requests()).hasSize(2);
  }

  @Test
  void onlyUserZeroIsBelievedWhateverTheSocketsOwnerIsByThen() throws Exception {
    assertThat(EngineHttp.isRoot(Files.getOwner(engine.socket))).isTrue();
    Files.setAttribute(engine.socket, "unix:uid", 61_001);
    assertThat(EngineHttp.isRoot(Files.getOwner(engine.socket))).isFalse();
  }

  @Test
  void aCgroupOfTheContainersNameWhereItsFirstProcessIsNotDoesNotHold() {
    for (String elsewhere :
        List.of(
            "0::/",
            "0::/docker/" + A,
            "0::/system.slice/docker-" + D + ".scope",
            "0::/user.slice/docker-" + A + ".scope")) {
      ofInit = elsewhere;
      assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    }
    ofInit = OURS + "/init.scope";
    assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.HOLDS);
    ofInit = null;
    assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.UNAVAILABLE);
  }

  @Test
  void anEngineThatDoesNotAnswerIsUnavailableAndCostsOneWait() {
    engine.answers(null);
    long start = System.nanoTime();
    for (int i = 0; i < 20; i++) {
      assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.UNAVAILABLE);
    }
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
    assertThat(engine.requests()).hasSize(1);
    // What the cgroup rules out needs no engine, and stays a definite no.
    assertThat(outcome("container:engine:podman")).isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    assertThat(outcome("container:id:" + D)).isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
  }

  @Test
  void anEngineThatIsNotThereOrMayNotBeAskedIsUnavailable() throws Exception {
    engine.close();
    assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.UNAVAILABLE);
    assertThat(check("0::/libpod_parent/libpod-" + A, "container:name:web").outcome())
        .isEqualTo(SelectorResult.Outcome.UNAVAILABLE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "{}",
        "{\"Id\": 1}",
        "not json",
        "{\"message\": \"page not found\"}",
      })
  void nonsenseIsUnavailable(String body) {
    engine.answers("200 OK", body);
    assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.UNAVAILABLE);
  }

  @Test
  void everythingThatIsNeededMustBeThereAndOfItsKind() {
    for (String[] change :
        List.of(
            new String[] {A, D},
            new String[] {"\"Id\"", "\"id\""},
            new String[] {"true", "\"true\""},
            new String[] {"4711", "\"4711\""},
            new String[] {"4711", "4711.5"},
            new String[] {"4711", "99999999999999"},
            new String[] {"\"sha256:", "\"sha512:"},
            new String[] {"\"Name\"", "\"Names\""},
            new String[] {"\"Config\"", "\"config\""},
            new String[] {"\"front\"", "7"},
            new String[] {"\"Binds\": null", "\"Binds\": null}, \"State\": {\"Running\": true"},
            new String[] {"null}}", "null}} {}"})) {
      assertThat(GOOD).contains(change[0]);
      engine.answers("200 OK", GOOD.replace(change[0], change[1]));
      nanos.addAndGet(Duration.ofSeconds(2).toNanos());
      assertThat(outcome("container:name:web"))
          .as(change[0] + " to " + change[1])
          .isEqualTo(SelectorResult.Outcome.UNAVAILABLE);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"500 Oops", "301 Moved", "204 No Content", "403 Forbidden", "401 No"})
  void anotherStatusThan404IsNoDefiniteNo(String status) {
    engine.answers(status, GOOD);
    assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.UNAVAILABLE);
  }

  @Test
  void anAnswerOverAMebibyteOrWithoutEndIsUnavailable() {
    engine.answers("200 OK", GOOD + " ".repeat(EngineHttp.LARGEST));
    assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.UNAVAILABLE);
    nanos.addAndGet(Duration.ofSeconds(2).toNanos());
    engine.answers(
        "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{".getBytes(StandardCharsets.UTF_8));
    assertThat(outcome("container:name:web")).isEqualTo(SelectorResult.Outcome.UNAVAILABLE);
  }

  @Test
  void randomlyChangedAnswersNeverSayMoreThanTheyShould() {
    EngineHttp http = new EngineHttp(engine.socket, Duration.ofMillis(500), new ScratchPool());
    Random random = new Random(11);
    String whole = "HTTP/1.1 200 OK\r\nContent-Length: " + GOOD.length() + "\r\n\r\n" + GOOD;
    for (int i = 0; i < 300; i++) {
      byte[] copy = whole.getBytes(StandardCharsets.UTF_8);
      // Within the first octets lies the HTTP; one more of length would only be waited for.
      int at = random.nextInt(copy.length);
      copy[at] = (byte) random.nextInt(256);
      if (at > 15 && at < 40) {
        continue;
      }
      engine.answers(copy);
      try {
        EngineHttp.Answer answer = http.get("/x");
        assertThat(answer.status()).isBetween(0, 999);
      } catch (IOException e) {
        assertThat(e.getMessage()).isNotEmpty();
      }
    }
    for (int i = 0; i < 5_000; i++) {
      byte[] copy = GOOD.getBytes(StandardCharsets.UTF_8);
      for (int n = 1 + random.nextInt(3); n > 0; n--) {
        copy[random.nextInt(copy.length)] = (byte) random.nextInt(256);
      }
      try {
        assertThat(ContainerFacts.parse(copy).imageDigest()).startsWith("sha256:");
      } catch (IOException e) {
        assertThat(e.getMessage()).contains("understood");
      }
    }
  }

  @Test
  void aSocketThatOthersMayWriteOrReplaceIsNotBelieved() throws Exception {
    EngineHttp http = new EngineHttp(engine.socket, Duration.ofMillis(500), new ScratchPool());
    assertThat(http.get("/x").status()).isEqualTo(200);
    Files.setPosixFilePermissions(engine.socket, PosixFilePermissions.fromString("rw-rw----"));
    assertThat(http.get("/x").status()).isEqualTo(200);
    Files.setPosixFilePermissions(engine.socket, PosixFilePermissions.fromString("rw-rw-rw-"));
    assertThatThrownBy(() -> http.get("/x")).hasMessageContaining("written by others");
    Files.setPosixFilePermissions(engine.socket, PosixFilePermissions.fromString("rw-rw----"));
    Files.setAttribute(engine.socket, "unix:uid", 65534);
    assertThatThrownBy(() -> http.get("/x")).hasMessageContaining("root");
    Files.setAttribute(engine.socket, "unix:uid", 0);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThatThrownBy(() -> http.get("/x")).hasMessageContaining("written by others");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    assertThat(http.get("/x").status()).isEqualTo(200);
  }

  @Test
  void aLinkThatAUserPutInTheWayIsNotFollowed() throws Exception {
    Path open = Files.createDirectory(folder.resolve("open"));
    Path link = Files.createSymbolicLink(open.resolve("l"), engine.socket);
    EngineHttp http = new EngineHttp(link, Duration.ofMillis(500), new ScratchPool());
    assertThat(http.get("/x").status()).isEqualTo(200);
    Files.setAttribute(link, "unix:uid", 65534, java.nio.file.LinkOption.NOFOLLOW_LINKS);
    assertThatThrownBy(() -> http.get("/x")).isInstanceOf(IOException.class);
  }

  @Test
  void anEngineThatAUserRunsIsNotBelievedEvenBehindASocketOfRoots() throws Exception {
    Path socket = folder.resolve("rootless.sock");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    Process user =
        new ProcessBuilder(
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                Peer.PERL.toString(),
                "-e",
                """
                use Socket; $| = 1;
                socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die $!;
                bind($s, sockaddr_un($ARGV[0])) or die $!;
                listen($s, 5) or die $!; print "up\\n"; <STDIN>;
                """,
                socket.toString())
            .start();
    try {
      assertThat(user.inputReader().readLine()).isEqualTo("up");
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
      EngineHttp http = new EngineHttp(socket, Duration.ofMillis(500), new ScratchPool());
      assertThatThrownBy(() -> http.get("/x")).hasMessageContaining("root");
      // As if the user could have had root take the file over: who listens is still him.
      Files.setAttribute(socket, "unix:uid", 0);
      Files.setAttribute(socket, "unix:gid", 0);
      Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
      assertThatThrownBy(() -> http.get("/x")).hasMessageContaining("is not root");
    } finally {
      user.destroyForcibly().waitFor();
    }
  }

  @Test
  void withoutAnEngineInTheConfigurationItIsSaidSo() throws Exception {
    try (Containers none =
        new Containers(new Forged(), new ScratchPool(), Map.of(), Ticker.systemTicker())) {
      Finding finding = none.check(s, caller(OURS), Samples.selector("container:name:web"));
      assertThat(finding.outcome()).isEqualTo(SelectorResult.Outcome.UNAVAILABLE);
      assertThat(finding.measured()).contains("configuration");
    }
  }
}
