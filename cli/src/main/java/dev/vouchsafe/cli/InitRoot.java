package dev.vouchsafe.cli;

import dev.vouchsafe.ca.ImportedRoot;
import dev.vouchsafe.ca.OutsideException;
import dev.vouchsafe.ca.RootSource;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code init} that say where the root comes from. */
final class InitRoot {
  private static final int MOST_OCTETS = 128 * 1024;
  private static final int LONGEST_PASSPHRASE = 1024;

  @Option(
      names = "--root",
      paramLabel = "KIND",
      defaultValue = "self",
      description =
          "Where the root comes from: self (made here, the default), import (a CA that there is"
              + " already, with its private key) or csr (a CA that stays elsewhere and signs this"
              + " gateway's request).")
  private String kind = "self";

  @Option(
      names = "--root-file",
      paramLabel = "FILE",
      description =
          "With --root import: the CA's certificate and those over it, up to the root that is signed"
              + " by itself, in PEM, or with the private key in PKCS#12.")
  private @Nullable Path file;

  @Option(
      names = "--root-key",
      paramLabel = "FILE",
      description =
          "With --root import: the CA's private key in PKCS#8 PEM, encrypted or not, where it isn't in"
              + " --root-file.")
  private @Nullable Path keyFile;

  @Option(
      names = "--root-passphrase-file",
      paramLabel = "FILE",
      description =
          "With --root import: a file whose first line is the passphrase of that key or PKCS#12"
              + " file; - for the standard input.")
  private @Nullable Path passphraseFile;

  private void requireNoFiles() throws CommandFailure {
    if (file != null || keyFile != null || passphraseFile != null) {
      throw CommandFailure.usage(
          "--root-file, --root-key and --root-passphrase-file go with --root import");
    }
  }

  /**
   * Reads what they name.
   *
   * @throws CommandFailure if they don't go together, or what they name can't be read or taken
   */
  RootSource source(Console console) throws CommandFailure {
    return switch (kind) {
      case "self" -> {
        requireNoFiles();
        yield new RootSource.Self();
      }
      case "csr" -> {
        requireNoFiles();
        yield new RootSource.Request();
      }
      case "import" -> new RootSource.Import(imported(console));
      default ->
          throw CommandFailure.usage(
              "--root " + kind + " is not in this version: self, import or csr");
    };
  }

  private ImportedRoot imported(Console console) throws CommandFailure {
    if (file == null) {
      throw CommandFailure.usage("--root import needs --root-file");
    }
    byte[] key = new byte[0];
    char @Nullable [] passphrase = null;
    try {
      passphrase = passphraseFile == null ? null : passphrase(passphraseFile, console);
      byte[] certificates = octets(file);
      key = keyFile == null ? key : octets(keyFile);
      ImportedRoot root =
          ImportedRoot.read(
              certificates,
              keyFile == null ? Optional.empty() : Optional.of(key),
              passphrase,
              SoftwareCrypto.choose());
      warn(keyFile == null ? file : keyFile, console);
      return root;
    } catch (OutsideException e) {
      String given = keyFile == null ? file.toString() : file + ", " + keyFile;
      throw CommandFailure.failed("no home was made: " + given + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw CommandFailure.failed("no home was made: " + Causes.of(e), e);
    } finally {
      Arrays.fill(key, (byte) 0);
      if (passphrase != null) {
        Arrays.fill(passphrase, '\0');
      }
    }
  }

  /** It is a copy of the key, and stays where it is. */
  private static void warn(Path file, Console console) throws IOException {
    Set<PosixFilePermission> mode = Files.getPosixFilePermissions(file);
    boolean open =
        mode.contains(PosixFilePermission.OTHERS_READ)
            || mode.contains(PosixFilePermission.GROUP_READ);
    console
        .err()
        .println(
            "vouchsafe: "
                + file
                + " still holds the root's private key"
                + (open ? ", and others than its owner can read it" : "")
                + ": take it off this machine, or destroy it");
  }

  /** A file of at most 128 KiB. */
  static byte[] octets(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return limited(in, MOST_OCTETS, file.toString());
    } catch (NoSuchFileException e) {
      throw new IOException(file + " does not exist", e);
    }
  }

  private static byte[] limited(InputStream in, int most, String name) throws IOException {
    byte[] octets = in.readNBytes(most + 1);
    if (octets.length > most) {
      throw new IOException(name + " is over " + most + " octets");
    }
    return octets;
  }

  /** The first line, without its end. */
  private static char[] passphrase(Path file, Console console) throws IOException {
    byte[] octets;
    if (file.toString().equals("-")) {
      octets = limited(console.in(), LONGEST_PASSPHRASE, "the passphrase");
    } else {
      try (InputStream in = Files.newInputStream(file)) {
        octets = limited(in, LONGEST_PASSPHRASE, file.toString());
      } catch (NoSuchFileException e) {
        throw new IOException(file + " does not exist", e);
      }
    }
    int end = 0;
    while (end < octets.length && octets[end] != '\n' && octets[end] != '\r') {
      end++;
    }
    CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(octets, 0, end));
    char[] passphrase = new char[text.remaining()];
    text.get(passphrase);
    Arrays.fill(octets, (byte) 0);
    Arrays.fill(text.array(), '\0');
    return passphrase;
  }
}
