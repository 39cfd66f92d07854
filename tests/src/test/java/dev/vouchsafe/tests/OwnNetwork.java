package dev.vouchsafe.tests;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A network of the test's own with nothing but a loopback interface, in which every port is free:
 * the module SDKs connect to port 8883 and to no other. Where none can be made, in a container
 * without that right, it is the machine's.
 */
final class OwnNetwork implements AutoCloseable {
  private final Process keeper;
  private final List<String> inside;

  private OwnNetwork(Process keeper, List<String> inside) {
    this.keeper = keeper;
    this.inside = inside;
  }

  static OwnNetwork open() throws IOException {
    // The network is there as long as this process is, which ends with the tests at the latest:
    // then its input does.
    Process keeper =
        new ProcessBuilder(
                "unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat")
            .redirectErrorStream(true)
            .start();
    BufferedReader said = keeper.inputReader(StandardCharsets.UTF_8);
    boolean own = "up".equals(said.readLine());
    return new OwnNetwork(
        keeper,
        own ? List.of("nsenter", "--net=/proc/" + keeper.pid() + "/ns/net", "--") : List.of());
  }

  /** The command that runs this one inside. */
  List<String> inside(List<String> command) {
    List<String> all = new ArrayList<>(inside);
    all.addAll(command);
    return all;
  }

  @Override
  public void close() {
    keeper.destroyForcibly().onExit().join();
  }
}
