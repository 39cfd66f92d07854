package dev.vouchsafe.cli;

import dev.vouchsafe.trust.CaFile;
import dev.vouchsafe.trust.CaRefusedException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The CAs of other servers that the configuration names, read once at start. */
final class ExtraCas {
  private ExtraCas() {}

  /**
   * The CAs of all the files, each once. One that has expired is among them: what was right when it
   * was written must not keep a gateway from starting later.
   */
  static List<X509Certificate> read(List<Path> files) throws CommandFailure {
    Set<X509Certificate> cas = new LinkedHashSet<>();
    for (Path file : files) {
      cas.addAll(read(file));
    }
    return List.copyOf(cas);
  }

  private static List<X509Certificate> read(Path file) throws CommandFailure {
    try {
      FileTrust.require(file);
      try (InputStream in = Files.newInputStream(file)) {
        return CaFile.read(in.readNBytes(CaFile.LARGEST + 1));
      }
    } catch (ConfigurationException e) {
      throw wrong(Causes.text(e), e);
    } catch (CaRefusedException e) {
      throw wrong(file + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw wrong(Causes.of(e), e);
    }
  }

  /** What is wrong with what the key names. */
  static CommandFailure wrong(String what, Exception cause) {
    return CommandFailure.failed(ConfigurationKey.EXTRA.title() + ": " + what, cause);
  }
}
