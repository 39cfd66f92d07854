package dev.vouchsafe.keys;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Runs the programs of tpm2-tools: found once in fixed folders, started without a shell, with next
 * to nothing of our environment, for a limited time and with limited output.
 */
final class TpmTools {
  /** Not the caller's PATH, which the caller could have set to anything. */
  static final List<Path> PLACES = List.of(Path.of("/usr/bin"), Path.of("/usr/local/bin"));

  static final String PACKAGE = "install the Debian package tpm2-tools, version 5.0 or newer";

  private static final String FIRST = "tpm2_createprimary";
  private static final int OLDEST = 5;
  private static final Pattern VERSION =
      Pattern.compile("version=\"([0-9]{1,4})(\\.[^\"]{0,40})?\"");
  private static final int MOST_OUTPUT = 64 * 1024;

  /**
   * The ways that are taken to a TPM. Not {@code cmd}, which starts a shell, and no path of a
   * library.
   */
  private static final Pattern TCTI =
      Pattern.compile("(device|tabrmd|swtpm|mssim)(:[A-Za-z0-9_./:,=@+-]{0,400})?");

  private static final long END_SECONDS = 2;

  private final Path place;
  private final String version;
  private final Optional<String> tcti;
  private final Map<String, String> environment;

  private TpmTools(
      Path place, String version, Optional<String> tcti, Map<String, String> environment) {
    this.place = place;
    this.version = version;
    this.tcti = tcti;
    this.environment = environment;
  }

  /**
   * Looks for them.
   *
   * @param places the folders to look in
   * @param environment what the programs see beside the locale
   * @throws KeyFault.Failed if they are not there or too old, or the TCTI is none that we take
   */
  static TpmTools find(
      List<Path> places, Optional<String> tcti, SecureFiles files, Map<String, String> environment)
      throws KeyFault {
    checkTcti(tcti);
    for (Path place : places) {
      Path program = place.resolve(FIRST);
      if (Files.isExecutable(program)) {
        return at(place, program, tcti, files, environment);
      }
    }
    throw new KeyFault.Failed("tpm2-tools are not installed: " + PACKAGE);
  }

  static void checkTcti(Optional<String> tcti) throws KeyFault.Failed {
    if (tcti.isPresent() && !TCTI.matcher(tcti.get()).matches()) {
      throw new KeyFault.Failed(
          "tpm-tcti must be device:PATH, tabrmd:OPTIONS, swtpm:OPTIONS or mssim:OPTIONS, such as"
              + " device:/dev/tpmrm0");
    }
  }

  private static TpmTools at(
      Path place,
      Path program,
      Optional<String> tcti,
      SecureFiles files,
      Map<String, String> environment)
      throws KeyFault {
    try {
      files.checkProgram(program.toRealPath());
      TpmTools unknown = new TpmTools(place, "", Optional.empty(), environment);
      byte[] said = unknown.start(Path.of("/"), TpmCall.of(FIRST, "--version"));
      Matcher matcher = VERSION.matcher(new String(said, StandardCharsets.UTF_8));
      if (!matcher.find()) {
        throw new KeyFault.Failed(program + " doesn't tell its version: " + PACKAGE);
      }
      String number = matcher.group(1) + (matcher.group(2) == null ? "" : matcher.group(2));
      if (Integer.parseInt(matcher.group(1)) < OLDEST) {
        throw new KeyFault.Failed(
            "tpm2-tools in " + place + " are too old, version " + number + ": " + PACKAGE);
      }
      return new TpmTools(place, number, tcti, environment);
    } catch (TpmException e) {
      throw new KeyFault.Failed(program + " doesn't tell its version: " + PACKAGE, e);
    } catch (IOException e) {
      throw SecureFiles.fault("tpm2-tools can't be used", e);
    }
  }

  String version() {
    return version;
  }

  Path place() {
    return place;
  }

  /** The way to the TPM, for people. */
  String way() {
    return tcti.orElse("the way that tpm2-tools choose");
  }

  /** The TCTI, or "" for the default one. */
  String tcti() {
    return tcti.orElse("");
  }

  /**
   * Runs one, and returns what it prints to its standard output.
   *
   * @param folder where it runs
   * @throws TpmException if it fails, or doesn't end in time
   */
  byte[] run(Path folder, TpmCall call) throws KeyFault, TpmException {
    return start(folder, call);
  }

  private byte[] start(Path folder, TpmCall call) throws KeyFault, TpmException {
    byte[] input = call.auth().isPresent() ? call.auth().get().input() : new byte[0];
    Process process;
    try {
      process = builder(folder, call).start();
    } catch (IOException e) {
      Arrays.fill(input, (byte) 0);
      throw new KeyFault.Failed(call.tool() + " can't be run: " + PACKAGE, e);
    }
    try {
      Drain output = new Drain(process.getInputStream());
      Drain errors = new Drain(process.getErrorStream());
      give(process, input);
      if (!process.waitFor(call.limit(), TimeUnit.NANOSECONDS)) {
        throw new TpmException(
            TpmRc.Kind.HUNG,
            call.tool()
                + " gave no answer within "
                + TimeUnit.NANOSECONDS.toSeconds(call.limit())
                + " seconds",
            call.auth());
      }
      byte[] said = errors.all();
      byte[] printed = output.all();
      if (process.exitValue() != 0) {
        throw new TpmException(
            TpmRc.kind(new String(said, StandardCharsets.UTF_8)),
            call.tool() + ": " + TpmRc.text(said),
            call.auth());
      }
      return printed;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KeyFault.Unavailable("interrupted while the TPM was asked", e);
    } finally {
      Arrays.fill(input, (byte) 0);
      end(process);
    }
  }

  private ProcessBuilder builder(Path folder, TpmCall call) {
    List<String> command = new ArrayList<>();
    command.add(place.resolve(call.tool()).toString());
    tcti.ifPresent(way -> command.addAll(List.of("-T", way)));
    command.addAll(call.arguments());
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().clear();
    builder.environment().put("LC_ALL", "C");
    builder.environment().putAll(environment);
    return builder;
  }

  /** A program that ends before it reads tells why by its exit status. */
  private static void give(Process process, byte[] input) {
    try (OutputStream in = process.getOutputStream()) {
      in.write(input);
    } catch (IOException e) {
      System.getLogger(TpmTools.class.getName())
          .log(System.Logger.Level.DEBUG, "a program of tpm2-tools took no input");
    }
  }

  private static void end(Process process) {
    if (!process.isAlive()) {
      return;
    }
    process.destroyForcibly();
    try {
      process.waitFor(END_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Reads a stream to its end beside us, and keeps the first part of it. */
  private static final class Drain {
    private final byte[] kept = new byte[MOST_OUTPUT];
    private final Thread thread;
    private int length;

    Drain(InputStream in) {
      thread = Thread.ofVirtual().start(() -> read(in));
    }

    private void read(InputStream in) {
      byte[] beyond = new byte[1024];
      try (in) {
        for (int count = 0; count >= 0; length += Math.max(0, count)) {
          if (length == kept.length) {
            count = in.read(beyond) < 0 ? -1 : 0;
          } else {
            count = in.read(kept, length, kept.length - length);
          }
        }
      } catch (IOException e) {
        // The program was ended: what it said until then is kept.
        Arrays.fill(beyond, (byte) 0);
      }
    }

    /** The caller wipes it if it is secret. */
    byte[] all() throws InterruptedException {
      thread.join();
      byte[] all = Arrays.copyOf(kept, length);
      Arrays.fill(kept, (byte) 0);
      return all;
    }
  }
}
