package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Published module SDKs, unchanged, each with a small module of {@code tests/clients} that uses it.
 * The module sends its one argument as a message. It knows nothing but its environment.
 */
enum ModuleSdk {
  NODE("mod 1$x", 64_001, "azure-iot-device/1.18.4") {
    @Override
    void install(Path folder) throws IOException, InterruptedException {
      Path installed = Places.target().resolve("clients/node");
      Programs.run(
              Places.root().resolve("tests/clients/node/install").toString(), installed.toString())
          .done();
      copy(installed, folder);
    }

    @Override
    List<String> command(Path folder) {
      return List.of("node", folder.resolve("client.js").toString());
    }
  },

  JAVA("Java mod $2", 64_002, "com.microsoft.azure.sdk.iot.iot-device-client/2.5.0") {
    @Override
    void install(Path folder) throws IOException, InterruptedException {
      Path jars = Places.target().resolve("clients/java");
      assertThat(jars).as("the SDK, which the build copies there").isDirectory();
      copy(jars, folder);
      Programs.run(
              Path.of(System.getProperty("java.home"), "bin/javac").toString(),
              "-Xlint:all",
              "-Werror",
              "-cp",
              folder + "/*",
              "-d",
              folder.toString(),
              Places.root().resolve("tests/clients/java/ModuleProgram.java").toString())
          .done();
    }

    @Override
    List<String> command(Path folder) {
      return List.of(
          Path.of(System.getProperty("java.home"), "bin/java").toString(),
          "-XX:TieredStopAtLevel=1",
          "-XX:-UsePerfData",
          "-cp",
          folder + ":" + folder + "/*",
          "ModuleProgram");
    }
  };

  private final String module;
  private final int uid;
  private final String agent;

  ModuleSdk(String module, int uid, String agent) {
    this.module = module;
    this.uid = uid;
    this.agent = agent;
  }

  /** The name of its module, with what each SDK escapes in a way of its own. */
  String module() {
    return module;
  }

  /** The user of its module, which has no account. */
  int uid() {
    return uid;
  }

  /** What the SDK calls itself. */
  String agent() {
    return agent;
  }

  /** Puts the module's program into a folder, where every user can read it. */
  abstract void install(Path folder) throws IOException, InterruptedException;

  /** How the program is started, without its argument. */
  abstract List<String> command(Path folder);

  private static void copy(Path from, Path to) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("cp", "-a"));
    try (Stream<Path> entries = Files.list(from)) {
      entries.map(Path::toString).forEach(command::add);
    }
    command.add(to.toString());
    Programs.run(command, "").done();
    Programs.run("chmod", "-R", "a+rX", to.toString()).done();
  }
}
