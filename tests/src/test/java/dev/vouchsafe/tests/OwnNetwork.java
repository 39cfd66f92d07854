package dev.vouchsafe.tests;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A network of the test's own with nothing but a loopback interface, in which every port is free:
 * the module SDKs connect to port 8883 and to no other. It takes root with CAP_SYS_ADMIN. (In a
 * user namespace it would take less, but the service refuses a module that is in one.)
 */
final class OwnNetwork implements AutoCloseable {
  private final Process keeper;

  private OwnNetwork(Process keeper) {
    this.keeper = keeper;
  }

  static OwnNetwork open() throws IOException {
    // The network is there as long as this process is, which ends with the tests at the latest:
    // then its input does.
    Process keeper =
        new ProcessBuilder(
                "unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat")
            .redirectErrorStream(true)
            .start();
    String said = keeper.inputReader(StandardCharsets.UTF_8).readLine();
    if (!"up".equals(said)) {
      keeper.destroyForcibly();
      throw new AssertionError("no network of the test's own: " + said);
    }
    return new OwnNetwork(keeper);
  }

  /** The command that runs this one inside. */
  List<String> inside(List<String> command) {
    List<String> all =
        new ArrayList<>(List.of("nsenter", "--net=/proc/" + keeper.pid() + "/ns/net", "--"));
    all.addAll(command);
    return all;
  }

  @Override
  public void close() {
    keeper.destroyForcibly().onExit().join();
  }
}
