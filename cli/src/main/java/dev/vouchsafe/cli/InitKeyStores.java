package dev.vouchsafe.cli;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code init} that say where private keys are to live. */
final class InitKeyStores {
  @Option(
      names = "--key-store",
      paramLabel = "LIST",
      defaultValue = "software",
      description =
          "Where private keys live: software (encrypted files, the default), pkcs11 (a security"
              + " token: HSM, smart card) or tpm (a TPM 2.0). Of several, with commas between them,"
              + " the first that works is taken; it stays, whatever happens later.")
  private String keyStore = "software";

  @Option(
      names = "--pkcs11-uri",
      paramLabel = "URI",
      description =
          "The token, as a PKCS#11 URI (RFC 7512) with token, module-path and pin-source. The token"
              + " must be initialized; the keys are made in it. Its PIN is tried once.")
  private @Nullable String pkcs11Uri;

  @Option(
      names = "--pkcs11-helper",
      description =
          "Let the token's library run in a process of its own: one that crashes or hangs then"
              + " takes nothing along.")
  private boolean pkcs11Helper;

  @Option(
      names = "--tpm-tcti",
      paramLabel = "TCTI",
      description =
          "The way to the TPM, such as device:/dev/tpmrm0 or swtpm:path=/run/swtpm.sock. Default:"
              + " /dev/tpmrm0 or else /dev/tpm0.")
  private @Nullable String tpmTcti;

  @Option(
      names = "--tpm-pcrs",
      paramLabel = "PCRS",
      description =
          "Bind the device CA's key to the values that these PCRs have now, such as sha256:0,7."
              + " Default: to none.")
  private @Nullable String tpmPcrs;

  @Option(
      names = "--tpm-owner-auth",
      paramLabel = "AUTH",
      description =
          "Where the auth value of the TPM's owner hierarchy is: none (the default), file:/PATH or"
              + " credential:NAME (systemd).")
  private @Nullable String tpmOwnerAuth;

  @Option(
      names = "--tpm-key-auth",
      paramLabel = "AUTH",
      description =
          "The auth value of our keys in the TPM: generated (a file tpm-auth.key; the default),"
              + " file:/PATH, credential:NAME or none.")
  private @Nullable String tpmKeyAuth;

  @Option(
      names = "--root-store",
      paramLabel = "KIND",
      description =
          "Another key store for the root: software, pkcs11, tpm or root-pkcs11 (a token of its"
              + " own). Default: that of the device CA.")
  private @Nullable String rootStore;

  @Option(
      names = "--root-pkcs11-uri",
      paramLabel = "URI",
      description = "The root's own token, with --root-store root-pkcs11, which it stands for.")
  private @Nullable String rootPkcs11Uri;

  @Option(
      names = "--seal",
      paramLabel = "SEAL",
      description =
          "Where the software store's sealing secret comes from: generated (a file seal.key; it"
              + " protects a copy of the data only; the default), file:/PATH (a passphrase) or"
              + " credential:NAME (systemd).")
  private @Nullable String seal;

  /** Whether any of these options was given. */
  boolean any() {
    return !keyStore.equals("software")
        || pkcs11Helper
        || rootStore != null
        || !lines(KeyStoreName.values()).isEmpty();
  }

  /**
   * What {@code [keys]} is to say, once for each store to try, in that order.
   *
   * @throws CommandFailure if options are missing, or have nothing to be for
   */
  List<String> sections() throws CommandFailure {
    List<KeyStoreName> names = names();
    KeyStoreName root = root();
    require(names, root);
    List<String> sections = new ArrayList<>();
    for (KeyStoreName name : names) {
      sections.add(section(name, root));
    }
    return sections;
  }

  private List<KeyStoreName> names() throws CommandFailure {
    List<KeyStoreName> names = new ArrayList<>();
    for (String text : keyStore.split(",", -1)) {
      KeyStoreName name =
          KeyStoreName.parse(text)
              .filter(KeyStoreName.forAll()::contains)
              .orElseThrow(() ->
                  CommandFailure.usage(
                      "--key-store is one or more of "
                          + KeyStoreName.texts(KeyStoreName.forAll())
                          + ", with commas between them"));
      if (names.contains(name)) {
        throw CommandFailure.usage("--key-store names " + text + " twice");
      }
      names.add(name);
    }
    return names;
  }

  private @Nullable KeyStoreName root() throws CommandFailure {
    if (rootStore == null) {
      return rootPkcs11Uri == null ? null : KeyStoreName.ROOT_PKCS11;
    }
    return KeyStoreName.parse(rootStore)
        .orElseThrow(() ->
            CommandFailure.usage(
                "--root-store is one of " + KeyStoreName.texts(List.of(KeyStoreName.values()))));
  }

  private void require(List<KeyStoreName> names, @Nullable KeyStoreName root)
      throws CommandFailure {
    List<KeyStoreName> used = new ArrayList<>(names);
    if (root != null) {
      used.add(root);
    }
    if (used.contains(KeyStoreName.PKCS11) && pkcs11Uri == null) {
      throw CommandFailure.usage(
          "--key-store pkcs11 needs --pkcs11-uri"
              + " 'pkcs11:token=NAME?module-path=/LIBRARY.so&pin-source=file:/PIN-FILE'");
    }
    if (used.contains(KeyStoreName.ROOT_PKCS11) && rootPkcs11Uri == null) {
      throw CommandFailure.usage("--root-store root-pkcs11 needs --root-pkcs11-uri");
    }
    for (KeyStoreName name : KeyStoreName.values()) {
      if (!used.contains(name) && !lines(name).isEmpty()) {
        String option = lines(name).getFirst().split(" ", 2)[0];
        throw CommandFailure.usage(
            "--"
                + option
                + " goes with "
                + (name == KeyStoreName.ROOT_PKCS11 ? "--root-store " : "--key-store ")
                + name.text());
      }
    }
    if (pkcs11Helper && pkcs11Uri == null && rootPkcs11Uri == null) {
      throw CommandFailure.usage("--pkcs11-helper goes with --key-store pkcs11");
    }
  }

  private String section(KeyStoreName name, @Nullable KeyStoreName root) {
    List<String> text = new ArrayList<>();
    text.add(line("store", name.text()));
    if (root != null) {
      text.add(line("root-store", root.text()));
    }
    for (KeyStoreName each : KeyStoreName.values()) {
      if (each == name || each == root) {
        text.addAll(lines(each));
        if (each == KeyStoreName.SOFTWARE && seal == null) {
          text.add(line("seal", "generated"));
        }
      }
    }
    if (pkcs11Helper) {
      text.add("pkcs11-helper = true");
    }
    for (KeyStoreName each : KeyStoreName.values()) {
      if (each != name && each != root && !lines(each).isEmpty()) {
        text.add(
            "# Not in use; for a later `vouchsafe ca prepare --key-store " + each.text() + "`:");
        lines(each).forEach(line -> text.add("# " + line));
      }
    }
    return String.join("\n", text);
  }

  private List<String> lines(KeyStoreName... names) {
    List<String> lines = new ArrayList<>();
    for (KeyStoreName name : names) {
      switch (name) {
        case SOFTWARE -> add(lines, "seal", seal);
        case PKCS11 -> add(lines, "pkcs11-uri", pkcs11Uri);
        case ROOT_PKCS11 -> add(lines, "root-pkcs11-uri", rootPkcs11Uri);
        case TPM -> {
          add(lines, "tpm-tcti", tpmTcti);
          add(lines, "tpm-pcrs", tpmPcrs);
          add(lines, "tpm-owner-auth", tpmOwnerAuth);
          add(lines, "tpm-key-auth", tpmKeyAuth);
        }
      }
    }
    return lines;
  }

  private static void add(List<String> lines, String key, @Nullable String value) {
    if (value != null) {
      lines.add(line(key, value));
    }
  }

  private static String line(String key, String value) {
    return key + " = \"" + quoted(value) + '"';
  }

  /** Every escape of JSON means the same in a basic string of TOML. */
  static String quoted(String text) {
    return new String(JsonStringEncoder.getInstance().quoteAsString(text));
  }
}
