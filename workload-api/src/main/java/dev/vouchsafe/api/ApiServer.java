package dev.vouchsafe.api;

import java.util.List;

/** The running front ends. */
public interface ApiServer extends AutoCloseable {
  /** Where it really listens: {@code unix:/path} and {@code https://host:port}. */
  List<String> endpoints();

  /** Takes no more connections, lets requests under way end (at most 5 s), and closes. */
  @Override
  void close();
}
