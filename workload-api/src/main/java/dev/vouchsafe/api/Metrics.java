package dev.vouchsafe.api;

import dev.vouchsafe.audit.AuditEvent.Outcome;
import dev.vouchsafe.audit.AuditLog;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.KeyStoreStatus;
import dev.vouchsafe.ca.RevocationListStatus;
import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;
import java.util.function.ToLongFunction;

/**
 * What is counted, for a monitoring system. No label has a text that a caller made up, and each has
 * a bounded number of values. Safe for use by many threads.
 */
final class Metrics {
  /** Reasons are our own codes; this many are never reached, unless somebody makes them up. */
  private static final int MOST_REASONS = 200;

  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final PrometheusTextFormatWriter format = PrometheusTextFormatWriter.create();
  private final Map<Operation, Map<Ending, CounterDataPoint>> requests =
      new EnumMap<>(Operation.class);
  private final Counter decisions;
  private final Counter issued;
  private final Set<String> reasons = ConcurrentHashMap.newKeySet();

  /** How an answer ended, by its status. */
  private enum Ending {
    OK,
    INVALID,
    REFUSED,
    LIMITED,
    UNAVAILABLE,
    FAILED;

    static Ending of(Status status) {
      return switch (status) {
        case OK, CREATED, NOT_MODIFIED -> OK;
        case FORBIDDEN -> REFUSED;
        case TOO_MANY_REQUESTS -> LIMITED;
        case SERVICE_UNAVAILABLE -> UNAVAILABLE;
        case INTERNAL_SERVER_ERROR -> FAILED;
        default -> INVALID;
      };
    }
  }

  Metrics() {
    Counter answered =
        counter("vouchsafe_requests", "Answers on the modules' socket.", "operation", "outcome");
    for (Operation operation : Operation.values()) {
      Map<Ending, CounterDataPoint> endings = new EnumMap<>(Ending.class);
      for (Ending ending : Ending.values()) {
        endings.put(
            ending, answered.labelValues(operation.text(), ending.name().toLowerCase(Locale.ROOT)));
      }
      requests.put(operation, endings);
    }
    decisions =
        counter(
            "vouchsafe_decisions",
            "Decisions about callers, as the audit log has them.",
            "outcome",
            "reason");
    issued =
        counter("vouchsafe_issued", "What was handed to the connection of its caller.", "kind");
    issued.initLabelValues("certificate");
    issued.initLabelValues("token");
  }

  private Counter counter(String name, String help, String... labels) {
    return Counter.builder()
        .name(name)
        .help(help)
        .labelNames(labels)
        .withoutExemplars()
        .register(registry);
  }

  /** A number that is asked for when somebody looks. */
  void gauge(String name, String help, DoubleSupplier value) {
    GaugeWithCallback _ =
        GaugeWithCallback.builder()
            .name(name)
            .help(help)
            .callback(now -> now.call(value.getAsDouble()))
            .register(registry);
  }

  /** What the parts tell of themselves. */
  void watch(ApiParts parts) {
    gauge(
        "vouchsafe_registrations",
        "Registrations that hold.",
        () -> parts.registrations().current().all().size());
    gauge(
        "vouchsafe_registration_files_bad",
        "Registration files that are not taken as they are; their last good state holds.",
        () ->
            (int)
                parts.registrations().current().problems().stream()
                    .map(problem -> problem.file())
                    .distinct()
                    .count());
    GaugeWithCallback _ =
        GaugeWithCallback.builder()
            .name("vouchsafe_key_store_up")
            .help("Whether a key store can be used now.")
            .labelNames("store")
            .callback(now -> {
              for (KeyStoreStatus store : parts.authority().keyStoreStatus()) {
                now.call(store.state().equals("up") ? 1 : 0, store.name());
              }
            })
            .register(registry);
    gauge(
        "vouchsafe_clock_trusted",
        "Whether the machine's clock is trusted; if not, what is issued lives short, or nothing is"
            + " issued.",
        () -> parts.clock().read().isTrusted() ? 1 : 0);
    CounterWithCallback _ =
        CounterWithCallback.builder()
            .name("vouchsafe_clock_jumps")
            .help("How often the machine's clock jumped.")
            .callback(now -> now.call((double) parts.clock().status().jumps()))
            .register(registry);
    GaugeWithCallback _ =
        GaugeWithCallback.builder()
            .name("vouchsafe_crl_next_update_seconds")
            .help("Until when an authority's revocation list holds, in seconds since 1970.")
            .labelNames("authority")
            .callback(now -> {
              for (RevocationListStatus list : parts.authority().revocations().lists()) {
                if (list.signs() && list.list().isPresent()) {
                  now.call(
                      (double) list.list().get().nextUpdate().getEpochSecond(), list.authority());
                }
              }
            })
            .register(registry);
    GaugeWithCallback _ =
        GaugeWithCallback.builder()
            .name("vouchsafe_revoked")
            .help("Certificates that are revoked and have not ended.")
            .callback(now -> {
              try {
                now.call((double) parts.authority().revocations().living());
              } catch (IssuanceException e) {
                // The ledger can't be read: there is no number to tell.
              }
            })
            .register(registry);
    gauge(
        "vouchsafe_revocations_unpublished",
        "Revocations that no list names yet.",
        () ->
            parts.authority().revocations().lists().stream()
                .mapToInt(list -> (int) Math.min(Integer.MAX_VALUE, list.unlisted()))
                .sum());
    gauge(
        "vouchsafe_ledger_octets",
        "What the files of the ledger hold.",
        () -> (double) parts.authority().ledger().octets());
    gauge(
        "vouchsafe_ledger_full",
        "Whether the ledger has reached its limit; if so, no certificate is issued.",
        () -> parts.authority().ledger().full() ? 1 : 0);
    gauge(
        "vouchsafe_audit_writable",
        "Whether the audit log can be written; if not, nothing is issued.",
        () -> parts.audit().status().fault().isEmpty() ? 1 : 0);
    gauge(
        "vouchsafe_audit_queued",
        "Events that wait to be written to the audit log.",
        () -> parts.audit().status().queued());
    audit(parts, "entries", "Entries written to the audit log.", AuditLog.Status::entries);
    audit(
        parts,
        "summarised",
        "Refusals that the audit log counts and doesn't have one by one.",
        AuditLog.Status::summarised);
    audit(
        parts,
        "lost",
        "Events that are not in the audit log, since it couldn't be written.",
        AuditLog.Status::lost);
    audit(
        parts,
        "trimmed",
        "Entries that were removed as the limits say, since the log began.",
        AuditLog.Status::trimmed);
    String version = Metrics.class.getPackage().getImplementationVersion();
    Info.builder()
        .name("vouchsafe_build")
        .help("Which build this is.")
        .labelNames("version", "java")
        .register(registry)
        .setLabelValues(version == null ? "unknown" : version, Runtime.version().toString());
  }

  private void audit(
      ApiParts parts, String name, String help, ToLongFunction<AuditLog.Status> value) {
    CounterWithCallback _ =
        CounterWithCallback.builder()
            .name("vouchsafe_audit_" + name)
            .help(help)
            .callback(now -> now.call((double) value.applyAsLong(parts.audit().status())))
            .register(registry);
  }

  /** A request on the modules' socket was answered. */
  void answered(String path, Status status) {
    Map<Ending, CounterDataPoint> endings = requests.get(Operation.of(path));
    CounterDataPoint counter = endings == null ? null : endings.get(Ending.of(status));
    if (counter != null) {
      counter.inc();
    }
  }

  /**
   * Something was decided about a caller.
   *
   * @param reason one of our codes
   */
  void decided(Outcome outcome, String reason) {
    boolean known = reasons.contains(reason);
    if (!known && reasons.size() < MOST_REASONS) {
      known = true;
      reasons.add(reason);
    }
    decisions.labelValues(outcome.text(), known ? reason : "other").inc();
  }

  /** Something was handed over. */
  void issued(AuditTrail.Made made) {
    if (!made.certificates().isEmpty()) {
      issued.labelValues("certificate").inc(made.certificates().size());
    }
    if (!made.tokens().isEmpty()) {
      issued.labelValues("token").inc(made.tokens().size());
    }
  }

  /** All of it, in Prometheus's text format 0.0.4. */
  Response page() {
    ByteArrayOutputStream text = new ByteArrayOutputStream(8192);
    try {
      format.write(text, registry.scrape());
    } catch (IOException e) {
      throw new UncheckedIOException("nothing is written but memory", e);
    }
    return Response.of(Status.OK, format.getContentType(), text.toByteArray());
  }
}
