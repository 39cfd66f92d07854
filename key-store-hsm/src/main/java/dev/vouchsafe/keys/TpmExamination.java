package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Looks at everything that a store in a TPM stands on, step by step, and changes nothing: what is
 * missing at a persistent handle stays missing.
 */
final class TpmExamination {
  private static final String TCTI = "tpm-tcti";
  private static final String OWNER_AUTH = "tpm-owner-auth";
  private static final String KEY_AUTH = "tpm-key-auth";
  private static final String PCRS = "tpm-pcrs";
  private static final int MOST_NAMED = 20;
  private static final Pattern VALUE = Pattern.compile("value: \"([ -~]{0,40})\"");

  private final TpmStores stores;
  private final Path directory;
  private final TpmSettings settings;
  private final SoftwareCrypto crypto;
  private final TpmObjects objects;
  private final Findings findings = new Findings();
  private final List<Path> files = new ArrayList<>();
  private @Nullable TpmConnection connection;

  /** The key that was bound to PCRs last: those before it may have been replaced. */
  private @Nullable Path newestBound;

  TpmExamination(TpmStores stores, Path directory, TpmSettings settings, SoftwareCrypto crypto) {
    this.stores = stores;
    this.directory = directory;
    this.settings = settings;
    this.crypto = crypto;
    this.objects = stores.objects(settings);
  }

  List<KeyStoreFinding> run() {
    boolean there = Files.exists(directory, LinkOption.NOFOLLOW_LINKS);
    boolean folder = findings.step("folder", directory.toString(), () -> folder(there));
    boolean auth = auth(there);
    try {
      TpmTools tools = stores.tools(settings);
      findings.ok("tpm2-tools", "version " + tools.version() + " in " + tools.place());
      if (tools.isInSoftware()) {
        findings.warning("tpm-tcti", TpmDescription.IN_SOFTWARE, TCTI + " device:/dev/tpmrm0");
      }
      if (there && folder) {
        chip(stores.chip(tools, directory, Optional.of(directory)), auth, true);
      } else {
        withoutStore(tools, auth);
      }
    } catch (KeyFault e) {
      findings.fault("tpm2-tools", e, TpmTools.PACKAGE + "; or " + TCTI);
    } finally {
      if (connection != null) {
        connection.forget();
      }
    }
    return findings.all();
  }

  private void withoutStore(TpmTools tools, boolean auth) {
    try {
      Path base = Files.createTempDirectory("vouchsafe-tpm-check-");
      try {
        chip(stores.chip(tools, base, Optional.empty()), auth, false);
      } finally {
        Files.delete(base);
      }
    } catch (IOException e) {
      findings.fault("TPM", SecureFiles.fault("there is no room for temporary files", e), TCTI);
    }
  }

  private String folder(boolean there) throws KeyFault {
    if (!there) {
      return directory + " is not there yet: init makes it";
    }
    try {
      stores.files().checkFolder(directory);
      TpmStoreFile header = stores.read(directory, settings);
      return directory
          + " is for its owner only, and keeps a store whose keys are "
          + (header.persistent() ? "at persistent handles" : "blobs");
    } catch (IOException e) {
      throw SecureFiles.fault("the key store " + directory + " can't be read", e);
    }
  }

  private boolean auth(boolean there) {
    boolean good = true;
    if (settings.ownerAuth().isPresent()) {
      good =
          findings.step(
              "owner auth file", OWNER_AUTH, () -> readable(settings.ownerAuth().orElseThrow()));
    }
    boolean toBeMade =
        !there && settings.keyAuth().filter(SealSource.GeneratedFile.class::isInstance).isPresent();
    if (settings.keyAuth().isPresent() && !toBeMade) {
      good &=
          findings.step(
              "key auth file", KEY_AUTH, () -> readable(settings.keyAuth().orElseThrow()));
    }
    return good;
  }

  private String readable(SealSource source) throws KeyFault {
    SealSecret.read(source, stores.files()).close();
    return SealSecret.file(source) + " can be read";
  }

  /** What may fail in a turn at the TPM. */
  private static <T> T turn(TpmChip chip, TpmChip.Work<T> work) throws KeyFault {
    try {
      return chip.turn(TpmChip.Limit.OPENING, work);
    } catch (TpmException e) {
      throw TpmFaults.atStart("", chip.tools(), e);
    }
  }

  private void chip(TpmChip chip, boolean auth, boolean store) {
    if (!findings.step("TPM", TCTI, () -> turn(chip, TpmExamination::maker))) {
      return;
    }
    findings.step("lockout", KEY_AUTH, () -> turn(chip, TpmExamination::lockout));
    if (settings.pcrs().isPresent()) {
      pcrs(chip, settings.pcrs().get());
    }
    if (!auth) {
      return;
    }
    boolean owner = findings.step("owner auth", OWNER_AUTH, () -> turn(chip, this::primary));
    manager(chip);
    if (owner && store) {
      store(chip);
    }
  }

  private static String maker(TpmTurn turn) throws KeyFault, TpmException {
    byte[] printed = turn.run(TpmCall.of("tpm2_getcap", "properties-fixed"));
    List<String> words =
        VALUE
            .matcher(new String(printed, StandardCharsets.US_ASCII))
            .results()
            .map(match -> match.group(1).strip())
            .filter(word -> !word.isEmpty())
            .toList();
    return "it answers: family and maker " + String.join(" ", words);
  }

  private static String lockout(TpmTurn turn) throws KeyFault, TpmException {
    TpmLockout lockout = TpmLockout.read(turn);
    lockout.check();
    return "the TPM takes auth values: "
        + lockout.failures()
        + " wrong ones of at most "
        + lockout.most()
        + " were tried";
  }

  /** A register that is as it was at the start, or whose hash is broken, tells of no boot. */
  private void pcrs(TpmChip chip, PcrSelection selection) {
    try {
      TpmPcrs now = turn(chip, turn -> TpmMaking.readPcrs(turn, objects, selection));
      if (!now.empty().isEmpty()) {
        findings.warning(
            "PCRs",
            "nothing was measured into "
                + String.join(", ", now.empty())
                + ": a key that is bound to that is bound to no boot state",
            PCRS);
      } else if (selection.bank().equals("sha1")) {
        findings.warning("PCRs", "SHA-1 is broken: take another bank", PCRS + " sha256:0,7");
      } else {
        findings.ok("PCRs", "the TPM has " + selection);
      }
    } catch (KeyFault e) {
      findings.fault("PCRs", e, PCRS);
    }
  }

  private String primary(TpmTurn turn) throws KeyFault, TpmException, IOException {
    objects.primary(turn);
    return settings.ownerAuth().isPresent()
        ? "the TPM takes the owner hierarchy's auth value"
        : "the owner hierarchy has none, or asks for none";
  }

  private void manager(TpmChip chip) {
    if (chip.slots().managed()) {
      findings.ok("resource manager", "there is one");
    } else {
      findings.warning(
          "resource manager",
          "none was seen: each signature takes three programs, and others at the same TPM get in"
              + " the way",
          TCTI + " device:/dev/tpmrm0");
    }
  }

  private void store(TpmChip chip) {
    if (!findings.step("store", TCTI + ", or " + KEY_AUTH, () -> turn(chip, this::open))) {
      return;
    }
    Map<Path, KeyFault> bad = new LinkedHashMap<>();
    int good = 0;
    for (Path file : files) {
      try {
        turn(chip, turn -> key(turn, file));
        good++;
      } catch (KeyFault e) {
        bad.put(file, e);
      }
    }
    Path newest = newestBound;
    bad.entrySet().stream()
        .limit(MOST_NAMED)
        .forEach(each -> {
          if (isPolicy(each.getValue()) && newest != null && !each.getKey().equals(newest)) {
            findings.warning(
                "key",
                each.getValue().getMessage()
                    + "; a later key was bound to what the registers had then, and takes its place",
                "nothing to do, if its authority is retiring");
          } else {
            findings.fault("key", each.getValue(), remedy(each.getValue(), each.getKey()));
          }
        });
    if (good > 0 || bad.isEmpty()) {
      findings.ok(
          "keys",
          (bad.isEmpty() ? "each of " : "") + good + " signs, and its public key verifies that");
    }
  }

  /** Whether the key's PCRs are others now: the key is in order, and the machine another. */
  private static boolean isPolicy(KeyFault fault) {
    return fault.getCause() instanceof TpmException e && e.is(TpmRc.Kind.POLICY);
  }

  private String open(TpmTurn turn) throws KeyFault, TpmException, IOException {
    TpmConnection open = TpmConnection.open(turn, objects, stores.read(directory, settings), false);
    connection = open;
    newestBound = TpmPolicies.newestBound(directory, stores.files(), open).orElse(null);
    try (DirectoryStream<Path> all = Files.newDirectoryStream(directory, "*" + TpmKeyFile.SUFFIX)) {
      all.forEach(files::add);
    }
    return "this is the TPM that it was made in, and its sealing key works";
  }

  private static String remedy(KeyFault fault, Path file) {
    return fault instanceof KeyFault.Unavailable ? PCRS : file + ", or a backup of it";
  }

  private String key(TpmTurn turn, Path file) throws KeyFault, TpmException, IOException {
    TpmConnection open = Objects.requireNonNull(connection);
    TpmKeyFile stored;
    try {
      stored = TpmKeyFile.parse(stores.files().readOwn(file), open.ofFiles());
    } catch (MalformedException e) {
      throw new KeyFault.Failed(file + " is damaged or from another version: " + e.getMessage(), e);
    }
    PublicKey publicKey =
        stored
            .blob()
            .publicArea()
            .key(crypto)
            .orElseThrow(() -> new KeyFault.Failed(file + " holds no key of a type that we make"));
    KeyType type = KeyType.of(publicKey).orElseThrow();
    TpmRef ref = open.load(turn, stored, false);
    byte[] request = KeyTrial.request(publicKey);
    byte[] signature = new TpmSigning(objects).sign(turn, ref, type, stored.pcrs(), open, request);
    if (!crypto.verify(publicKey, type, request, signature)) {
      throw new KeyFault.Failed("a signature of the key in " + file + " doesn't verify");
    }
    return "";
  }
}
