package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jwt.SignedJWT;
import dev.vouchsafe.ca.IssuanceException.Reason;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Token ids: each once for ever, each from a block that was on the disk before. */
class TokenIdsTest {
  private static final Grant GRANT = TokensTest.grant("hub");
  private static final TokenRequest REQUEST = TokensTest.request("hub");

  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.in(folder);
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private String id() throws IssuanceException {
    return ca.token(GRANT, REQUEST).id();
  }

  private static Grant grantOf(String module, String generation) {
    return new Grant(
        module,
        generation,
        Set.of(),
        List.of(),
        List.of(),
        Optional.empty(),
        Optional.empty(),
        List.of("hub"),
        Optional.empty());
  }

  private record Row(
      int size, Instant latestExpiry, String module, String generation, String kid) {}

  /** The blocks as another program reads them, by their prefix. */
  private static Map<String, Row> blocks(Path folder) throws Exception {
    Map<String, Row> blocks = new HashMap<>();
    try (Connection connection = LedgerPeek.connect(folder);
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "SELECT prefix, size, latest_expiry, name, generation, kid FROM token_block"
                    + " JOIN module ON module.id = module JOIN token_key ON token_key.id ="
                    + " token_key")) {
      while (rows.next()) {
        blocks.put(
            Octets.hex(rows.getBytes(1)),
            new Row(
                rows.getInt(2),
                Instant.ofEpochSecond(rows.getLong(3)),
                rows.getString(4),
                rows.getString(5),
                rows.getString(6)));
      }
    }
    return blocks;
  }

  @Test
  void everyIdIsOfABlockThatIsCommittedAndNoTokenOutlivesIt() throws Exception {
    for (int i = 0; i < 40; i++) {
      Grant grant = grantOf("module " + i % 3, Integer.toString(i % 2));
      Duration ttl = Duration.ofMinutes(1 + 37L * i);
      IssuedToken issued = ca.token(grant, new TokenRequest(List.of("hub"), Optional.of(ttl)));
      Row block =
          Objects.requireNonNull(blocks(ca.settings.directory()).get(issued.id().substring(0, 24)));
      assertThat(block.size()).isEqualTo(4096);
      assertThat(block.module()).isEqualTo(grant.module());
      assertThat(block.generation()).isEqualTo(grant.generation());
      assertThat(block.kid()).isEqualTo(SignedJWT.parse(issued.token()).getHeader().getKeyID());
      assertThat(issued.expiresAt()).isBeforeOrEqualTo(block.latestExpiry());
      ca.clock.set(ca.clock.instant().plus(Duration.ofHours(i % 5)));
    }
  }

  @Test
  void aBlockServesItsWholeSizeAndThenAnotherIsReserved() throws Exception {
    Set<String> ids = new HashSet<>();
    for (int i = 0; i < 4096; i++) {
      ids.add(id());
    }
    assertThat(blocks(ca.settings.directory())).hasSize(1);
    assertThat(ids).hasSize(4096);
    ids.add(id());
    assertThat(ids).hasSize(4097);
    assertThat(blocks(ca.settings.directory())).hasSize(2);
  }

  @Test
  void aBlockPastItsTimeIsAbandoned() throws Exception {
    String first = id();
    ca.clock.set(TestCa.NOW.plus(Duration.ofHours(47)));
    assertThat(id()).startsWith(first.substring(0, 24));
    ca.clock.set(TestCa.NOW.plus(Duration.ofDays(2)));
    assertThat(id()).doesNotStartWith(first.substring(0, 24));
    // A clock that goes back does not bring it back.
    ca.clock.set(TestCa.NOW);
    assertThat(id()).doesNotStartWith(first.substring(0, 24));
    assertThat(blocks(ca.settings.directory())).hasSize(2);
  }

  @Test
  void aRestartTakesANewBlock() throws Exception {
    Set<String> prefixes = new HashSet<>();
    for (int i = 0; i < 5; i++) {
      assertThat(prefixes.add(id().substring(0, 24))).isTrue();
      ca.reopen();
    }
  }

  @Test
  void aBackupThatIsRestoredRepeatsNoId(@TempDir Path backup) throws Exception {
    id();
    ca.ca().close();
    copy(ca.settings.directory(), backup);
    ca.reopen();
    Set<String> ids = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      ids.add(id());
    }
    ca.ca().close();
    copy(backup, ca.settings.directory());
    ca.reopen();
    for (int i = 0; i < 100; i++) {
      assertThat(ids.add(id())).isTrue();
    }
  }

  private static void copy(Path from, Path to) throws Exception {
    try (var files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  @Test
  void manyThreadsAndManyModulesGetEachIdOnce() throws Exception {
    Set<String> ids = ConcurrentHashMap.newKeySet();
    int threads = 16;
    int each = 900;
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      List<CompletableFuture<?>> all = new ArrayList<>();
      for (int thread = 0; thread < threads; thread++) {
        // All of the first module start together, and outrun two blocks.
        Grant grant = grantOf(thread < 12 ? "busy" : "module" + thread, "1");
        all.add(
            CompletableFuture.runAsync(
                () ->
                    IntStream.range(0, each)
                        .forEach(i -> assertThat(ids.add(quiet(grant))).isTrue()),
                pool));
      }
      CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0])).join();
    }
    assertThat(ids).hasSize(threads * each);
    assertThat(blocks(ca.settings.directory())).as("shared, not one each").hasSize(3 + 4);
  }

  private String quiet(Grant grant) {
    try {
      return ca.token(grant, REQUEST).id();
    } catch (IssuanceException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aFullDiskMeansNoTokenAndSpaceLetsItGoOn() throws Exception {
    ca.ca().close();
    FullDisk disk = new FullDisk();
    Ledger ledger = Ledger.open(ca.settings.directory(), disk);
    Map<String, Row> known;
    Set<String> ids = new HashSet<>();
    int refused = 0;
    try (CertificateAuthority full =
        CertificateAuthorities.open(
            ca.settings,
            AuthorityStores.single(ca.store),
            TestCa.CRYPTO,
            ca.clock,
            ca.executor,
            ledger,
            Pace.real(),
            RotationSettings.byHand(),
            Optional.empty())) {
      TestCa.token(full.tokens(), GRANT, REQUEST);
      disk.fill();
      for (int i = 0; i < 400; i++) {
        try {
          ids.add(TestCa.token(full.tokens(), grantOf("module" + i, "1"), REQUEST).id());
        } catch (IssuanceException e) {
          assertThat(e.reason()).isEqualTo(Reason.LEDGER_UNAVAILABLE);
          refused++;
        }
      }
      assertThat(refused).isPositive();
      assertThat(ids).hasSize(400 - refused);
      ids.add(TestCa.token(full.tokens(), GRANT, REQUEST).id());
      disk.free();
      ids.add(TestCa.token(full.tokens(), grantOf("after", "1"), REQUEST).id());
      known = blocks(ca.settings.directory());
    }
    assertThat(ids).allMatch(id -> known.containsKey(id.substring(0, 24)));
    ca.reopen();
  }

  @Test
  void withAFullDiskManyWhoWaitAreAllRefused() throws Exception {
    ca.ca().close();
    LedgerPeek.execute(
        ca.settings.directory(),
        "CREATE TRIGGER refuse BEFORE INSERT ON token_block"
            + " BEGIN SELECT RAISE(ABORT, 'refused by the test'); END");
    ca.reopen();
    AtomicInteger refused = new AtomicInteger();
    List<CompletableFuture<?>> all = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      all.add(
          CompletableFuture.runAsync(() -> {
            try {
              ca.token(GRANT, REQUEST);
            } catch (IssuanceException e) {
              refused.addAndGet(e.reason() == Reason.LEDGER_UNAVAILABLE ? 1 : 0);
            }
          }));
    }
    CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0])).join();
    assertThat(refused).hasValue(50);
  }

  @Test
  void afterTheEndThereAreNoTokens() throws Exception {
    id();
    TokenIssuer tokens = ca.ca().tokens();
    ca.ca().close();
    Refusals.assertRefused(
        Reason.AUTHORITY_UNAVAILABLE, () -> TestCa.token(tokens, GRANT, REQUEST));
    ca.reopen();
  }
}
