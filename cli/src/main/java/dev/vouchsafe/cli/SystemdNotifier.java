package dev.vouchsafe.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Tells systemd how the service stands, where systemd asked for it (sd_notify(3)). */
final class SystemdNotifier {
  private static final System.Logger LOG = System.getLogger(SystemdNotifier.class.getName());

  private final Optional<String> address;
  private final SystemCalls system;

  SystemdNotifier(Console console, SystemCalls system) {
    address =
        Optional.ofNullable(console.environment().get("NOTIFY_SOCKET"))
            .filter(text -> text.startsWith("/") || text.startsWith("@"));
    this.system = system;
  }

  void ready() {
    send("READY=1");
  }

  void stopping() {
    send("STOPPING=1");
  }

  /** A notice that doesn't get through stops nothing: systemd's own time limit then speaks. */
  private void send(String state) {
    if (address.isEmpty()) {
      return;
    }
    try {
      system.sendDatagram(
          address.get().getBytes(StandardCharsets.UTF_8),
          state.getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "systemd was not told " + state, e);
    }
  }
}
