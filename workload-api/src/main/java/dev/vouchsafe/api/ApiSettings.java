package dev.vouchsafe.api;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Where the front ends listen, and how much they take on.
 *
 * @param workload path of the modules' socket (mode 0666)
 * @param spiffe path of the socket of the SPIFFE Workload API (mode 0666), if there is one
 * @param admin path of the administrators' socket (mode 0660)
 * @param https address and port of the https listener, if there is one
 * @param limits how much is taken on at once
 */
public record ApiSettings(
    Path workload, Optional<Path> spiffe, Path admin, Optional<Https> https, Limits limits) {
  /** Those without a SPIFFE Workload API. */
  public ApiSettings(Path workload, Path admin, Optional<Https> https, Limits limits) {
    this(workload, Optional.empty(), admin, https, limits);
  }

  /**
   * The https listener.
   *
   * @param host address to bind; empty for all
   * @param port port; 0 for any free one
   * @param dns DNS names of its certificate
   * @param ip IP addresses of its certificate
   */
  public record Https(String host, int port, List<String> dns, List<String> ip) {
    public Https {
      dns = List.copyOf(dns);
      ip = List.copyOf(ip);
    }
  }

  /**
   * How much is taken on at once.
   *
   * @param connections open connections on one listener
   * @param perUid open connections and waiting requests of one user id
   * @param waiting requests that wait for a worker
   */
  public record Limits(int connections, int perUid, int waiting) {
    private static final int STREAMS_EACH = 3;

    /** Open streams of the SPIFFE Workload API: three for each connection that there may be. */
    int streams() {
      return Math.multiplyExact(connections, STREAMS_EACH);
    }

    /** The same of one user. */
    int streamsPerUid() {
      return Math.multiplyExact(perUid, STREAMS_EACH);
    }

    /**
     * 4096 connections, 1024 waiting requests, and 512 of either for one user: no user alone can
     * take all places.
     */
    public static Limits defaults() {
      return new Limits(4096, 512, 1024);
    }
  }
}
