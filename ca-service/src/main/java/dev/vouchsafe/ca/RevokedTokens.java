package dev.vouchsafe.ca;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.RevocationLedger.RevokedToken;
import dev.vouchsafe.ca.clock.TrustedClock;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Tokens that were revoked, by their ids: in the ledger, and in the file {@code
 * revoked-tokens.json} beside {@code jwks.json}, so that whoever verifies without the service knows
 * of them. An id leaves the file when no token of its block can live any more, and the ledger
 * never.
 */
final class RevokedTokens {
  static final String FILE = "revoked-tokens.json";

  private static final System.Logger LOG = System.getLogger(RevokedTokens.class.getName());
  private static final Duration WRITE_WAITS = Duration.ofSeconds(10);

  /** Those of {@link TokenIds}. */
  private static final Pattern ID = Pattern.compile("[0-9a-f]{27}");

  private final RevocationLedger ledger;
  private final TrustedClock clock;
  private final JwksFile file;
  private volatile String published = json(List.of());
  private volatile String fault = "";

  RevokedTokens(Path directory, RevocationLedger ledger, TrustedClock clock) {
    this.ledger = ledger;
    this.clock = clock;
    this.file = new JwksFile(directory, FILE);
  }

  /** Publishes what the ledger has, if it has anything. */
  void start() throws IssuanceException {
    if (!ledger.revokedTokens().isEmpty()) {
      publish();
    }
  }

  /** How many of them were not revoked before; all are, on the disk, when it returns. */
  synchronized long revoke(List<String> ids, long administrator) throws IssuanceException {
    for (String id : ids) {
      if (!ID.matcher(id).matches()) {
        throw new IssuanceException(
            Reason.REQUEST_INVALID, "ids: a token's id is 27 digits of 0-9 a-f, its claim jti");
      }
      if (!ledger.knowsToken(id)) {
        throw new IssuanceException(Reason.CERTIFICATE_UNKNOWN, "no token has the id " + id);
      }
    }
    var write = ledger.revokeTokens(ids, clock.instant(), administrator);
    KeyLedger.await(write, WRITE_WAITS);
    publish();
    return write.join();
  }

  private void publish() throws IssuanceException {
    // By a time that isn't certain, a token that seems to have ended may not have.
    Instant endAfter = clock.isCertain() ? clock.instant() : Instant.EPOCH;
    String next =
        json(
            ledger.revokedTokens().stream()
                .filter(it -> it.latestExpiry().isAfter(endAfter))
                .toList());
    published = next;
    try {
      file.hold(next);
      fault = "";
    } catch (IOException e) {
      fault = FILE + " can't be written: " + e.getMessage();
      LOG.log(System.Logger.Level.WARNING, fault);
    }
  }

  /** What keeps the file from saying so; empty if nothing does. */
  String fault() {
    return fault;
  }

  /** The content of the file. */
  String json() {
    return published;
  }

  private static String json(List<RevokedToken> tokens) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      json.writeStartObject();
      json.writeArrayFieldStart("items");
      for (RevokedToken token : tokens) {
        json.writeStartObject();
        json.writeStringField("id", token.id());
        json.writeStringField("endsBefore", token.latestExpiry().toString());
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("nothing is written but memory", e);
    }
    return text.toString();
  }
}
