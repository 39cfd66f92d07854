package dev.vouchsafe.keys;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
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

  /** The kernel's resource manager, and the TPM itself where there is none. */
  static final List<Path> DEVICES = List.of(Path.of("/dev/tpmrm0"), Path.of("/dev/tpm0"));

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

  /** Statuses from here on are of a program that a signal has ended. */
  private static final int KILLED = 128;

  /** One that waits for its device in the kernel ends when that lets it: nobody waits for it. */
  private static final long END_MILLIS = 200;

  private final Path place;
  private final String version;
  private final Optional<String> tcti;
  private final SecureFiles files;
  private final Map<String, String> environment;
  private final Set<String> checked = ConcurrentHashMap.newKeySet();

  private TpmTools(
      Path place,
      String version,
      Optional<String> tcti,
      SecureFiles files,
      Map<String, String> environment) {
    this.place = place;
    this.version = version;
    this.tcti = tcti;
    this.files = files;
    this.environment = environment;
  }

  /**
   * Looks for them.
   *
   * @param places the folders to look in
   * @param tcti the way to the TPM
   * @param environment what the programs see beside the locale
   * @throws KeyFault.Failed if they are not there or too old, or the TCTI is none that we take
   */
  static TpmTools find(
      List<Path> places, String tcti, SecureFiles files, Map<String, String> environment)
      throws KeyFault {
    checkTcti(Optional.of(tcti));
    for (Path place : places) {
      if (Files.isExecutable(place.resolve(FIRST))) {
        return at(place, tcti, files, environment);
      }
    }
    throw new KeyFault.Failed("tpm2-tools are not installed: " + PACKAGE);
  }

  /**
   * The way to the TPM: never left to tpm2-tools, which try one device after the other and at last
   * a port of this machine, where any local user can play the TPM and be given our auth values.
   *
   * @param devices what to take if nothing is set
   * @throws KeyFault.Failed if nothing is set and none of them is there
   */
  static String way(Optional<String> tcti, List<Path> devices) throws KeyFault.Failed {
    if (tcti.isPresent()) {
      return tcti.get();
    }
    for (Path device : devices) {
      if (Files.exists(device)) {
        return "device:" + device;
      }
    }
    throw new KeyFault.Failed(
        "this machine has no TPM: none of "
            + String.join(", ", devices.stream().map(Path::toString).toList())
            + " is there; set tpm-tcti if it is elsewhere");
  }

  static void checkTcti(Optional<String> tcti) throws KeyFault.Failed {
    if (tcti.isPresent() && !TCTI.matcher(tcti.get()).matches()) {
      throw new KeyFault.Failed(
          "tpm-tcti must be device:PATH, tabrmd:OPTIONS, swtpm:OPTIONS or mssim:OPTIONS, such as"
              + " device:/dev/tpmrm0");
    }
  }

  private static TpmTools at(
      Path place, String tcti, SecureFiles files, Map<String, String> environment) throws KeyFault {
    Path program = place.resolve(FIRST);
    try {
      TpmTools unknown = new TpmTools(place, "", Optional.empty(), files, environment);
      byte[] said = unknown.run(Path.of("/"), TpmCall.of(FIRST, "--version"));
      Matcher matcher = VERSION.matcher(new String(said, StandardCharsets.UTF_8));
      if (!matcher.find()) {
        throw new KeyFault.Failed(program + " doesn't tell its version: " + PACKAGE);
      }
      String number = matcher.group(1) + (matcher.group(2) == null ? "" : matcher.group(2));
      if (Integer.parseInt(matcher.group(1)) < OLDEST) {
        throw new KeyFault.Failed(
            "tpm2-tools in " + place + " are too old, version " + number + ": " + PACKAGE);
      }
      return new TpmTools(place, number, Optional.of(tcti), files, environment);
    } catch (TpmException e) {
      throw new KeyFault.Failed(program + " doesn't tell its version: " + PACKAGE, e);
    }
  }

  /** Each program once: what others may write is not run. */
  private Path checked(String tool) throws KeyFault {
    Path program = place.resolve(tool);
    if (!checked.contains(tool)) {
      try {
        files.checkProgram(program.toRealPath());
      } catch (NoSuchFileException e) {
        throw new KeyFault.Failed(program + " is not there: " + PACKAGE, e);
      } catch (IOException e) {
        throw SecureFiles.fault("tpm2-tools can't be used", e);
      }
      checked.add(tool);
    }
    return program;
  }

  String version() {
    return version;
  }

  Path place() {
    return place;
  }

  /** The way to the TPM, for people. */
  String way() {
    return tcti();
  }

  /** The TCTI. */
  String tcti() {
    return tcti.orElse("");
  }

  /** Whether it is a program that plays the TPM. */
  boolean isInSoftware() {
    return tcti().startsWith("swtpm") || tcti().startsWith("mssim");
  }

  /**
   * Runs one, and returns what it prints to its standard output.
   *
   * @param folder where it runs
   * @throws TpmException if it fails, or doesn't end in time
   */
  byte[] run(Path folder, TpmCall call) throws KeyFault, TpmException {
    Path program = checked(call.tool());
    byte[] input = call.auth().isPresent() ? call.auth().get().input() : new byte[0];
    try {
      return answer(start(program, folder, call), call, input);
    } finally {
      Arrays.fill(input, (byte) 0);
    }
  }

  private Process start(Path program, Path folder, TpmCall call) throws KeyFault, TpmException {
    try {
      return builder(program, folder, call).start();
    } catch (IOException e) {
      if (!Files.isExecutable(program)) {
        throw new KeyFault.Failed(call.tool() + " can't be run: " + PACKAGE, e);
      }
      // No process, memory or descriptor is free: that passes.
      throw new TpmException(
          TpmRc.Kind.GONE, call.tool() + " can't be started now: " + e.getMessage(), call.auth());
    }
  }

  private static byte[] answer(Process process, TpmCall call, byte[] input)
      throws KeyFault, TpmException {
    byte[] printed = new byte[0];
    boolean good = false;
    try {
      Drain output = new Drain(process.getInputStream());
      Drain errors = new Drain(process.getErrorStream());
      give(process, input);
      if (!process.waitFor(call.limit(), TimeUnit.NANOSECONDS)) {
        throw new TpmException(
            TpmRc.Kind.HUNG,
            call.tool()
                + " gave no answer within "
                + TimeUnit.NANOSECONDS.toMillis(call.limit())
                + " milliseconds",
            call.auth());
      }
      byte[] said = errors.all();
      printed = output.all();
      good = process.exitValue() == 0;
      if (!good) {
        throw refused(process.exitValue(), said, call);
      }
      return printed;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KeyFault.Unavailable("interrupted while the TPM was asked", e);
    } finally {
      if (!good) {
        Arrays.fill(printed, (byte) 0);
      }
      end(process);
    }
  }

  private static TpmException refused(int status, byte[] said, TpmCall call) {
    if (status >= KILLED) {
      return new TpmException(
          TpmRc.Kind.BROKEN,
          call.tool() + " was ended by signal " + (status - KILLED),
          call.auth());
    }
    return new TpmException(
        TpmRc.kind(new String(said, StandardCharsets.UTF_8)),
        call.tool() + ": " + TpmRc.text(said),
        call.auth());
  }

  private ProcessBuilder builder(Path program, Path folder, TpmCall call) {
    List<String> command = new ArrayList<>();
    command.add(program.toString());
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
      process.waitFor(END_MILLIS, TimeUnit.MILLISECONDS);
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
