package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationSet;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.ModuleKeys;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the IoT Edge Workload API does with a module's keys: sign, encrypt and decrypt. The keys
 * hang on the generation id as well, so that in the path must be the registration's.
 */
final class IotEdgeKeys {
  private static final String KEY_ID = "keyId";
  private static final String DATA = "data";
  private static final String PLAINTEXT = "plaintext";
  private static final String CIPHERTEXT = "ciphertext";
  private static final String IV = "initializationVector";

  /** Not {@code algo}: there is one only. */
  private static final List<String> SIGN = List.of(DATA, KEY_ID);

  private static final List<String> ENCRYPT = List.of(PLAINTEXT, IV);
  private static final List<String> DECRYPT = List.of(CIPHERTEXT, IV);

  /** What the framing adds: its version, the salt and the tag. */
  private static final int FRAME = 1 + 16 + 16;

  /**
   * Characters of base64 that are worked on before the caller is measured: twenty times a token to
   * be signed, and a few microseconds.
   */
  private static final int SHORT = 4 * 1024;

  private final CertificateAuthority authority;
  private final ModuleCalls calls;
  private final IotEdgeCallers callers;
  private final Lanes<Asked> lanes;

  IotEdgeKeys(CertificateAuthority authority, ModuleCalls calls, IotEdgeCallers callers) {
    this.authority = authority;
    this.calls = calls;
    this.callers = callers;
    this.lanes = calls.lanes(Asked::call, this::computeTogether);
  }

  /** A call that waits for its lane's worker. */
  private record Asked(ModuleCall call, IotEdgePath path, Reader reader) {}

  /** What a call asks for, read from its body. */
  private interface Reader {
    Wanted read(ModuleCall call) throws Failure;
  }

  /**
   * What a call asks for.
   *
   * @param length how much data it brings, in characters of base64
   */
  private record Wanted(int length, IotEdgeCallers.Work work) {}

  /** Runs on the event loop. */
  void sign(Exchange exchange, IotEdgePath path) {
    start(exchange, path, this::wantsSignature);
  }

  /** Runs on the event loop. */
  void encrypt(Exchange exchange, IotEdgePath path) {
    start(exchange, path, this::wantsCiphertext);
  }

  /** One lane for each process: what its connections ask for at a time takes one look. */
  private void start(Exchange exchange, IotEdgePath path, Reader reader) {
    calls.inTurn(
        exchange,
        ErrorAnswers::iotEdge,
        call ->
            lanes.add(exchange.peer().owner(), call.caller().pid(), new Asked(call, path, reader)));
  }

  /** An edge: whatever happens, every caller is answered. */
  private void computeTogether(List<Asked> all) {
    List<IotEdgeCallers.Computed> computed = new ArrayList<>(all.size());
    boolean ended = false;
    try {
      // Asked for once: all of these calls had come by now.
      RegistrationSet set = callers.registrations();
      for (Asked asked : all) {
        calls.guarded(asked.call(), () -> compute(asked, set).ifPresent(computed::add));
      }
      callers.judge(computed);
      ended = true;
    } catch (RuntimeException e) {
      Failure failure = Workers.unexpected(e);
      all.forEach(asked -> asked.call().fail(failure));
      ended = true;
    } finally {
      if (!ended) {
        // An error: the thread tells of it.
        Failure failure = Failure.of(Problem.INTERNAL, "the request failed; see the log");
        all.forEach(asked -> asked.call().fail(failure));
      }
    }
  }

  /** The result, or nothing if a worker of its own does it: it may take longer than a look. */
  private Optional<IotEdgeCallers.Computed> compute(Asked asked, RegistrationSet set)
      throws Failure {
    Wanted wanted = asked.reader().read(asked.call());
    if (wanted.length() <= SHORT && keys().ready()) {
      return Optional.of(
          callers.compute(asked.call(), asked.path(), set, wanted.work(), IotEdgeKeys::answer));
    }
    calls.apart(
        asked.call(), call -> answer(call, lookedAtTwice(call, asked.path(), wanted.work())));
    return Optional.empty();
  }

  private Wanted wantsSignature(ModuleCall call) throws Failure {
    IotEdgeBody body = IotEdgeBody.required(call.request(), SIGN);
    String data = body.text(DATA);
    ModuleKeys.Which which = which(body);
    return new Wanted(
        data.length(),
        registration -> {
          byte[] octets = Base64Text.decode(DATA, data, ModuleKeys.MOST_DATA);
          return result("digest", keys().sign(module(registration), which, octets));
        });
  }

  private Wanted wantsCiphertext(ModuleCall call) throws Failure {
    IotEdgeBody body = IotEdgeBody.required(call.request(), ENCRYPT);
    String plaintext = body.text(PLAINTEXT);
    String iv = body.text(IV);
    return new Wanted(
        plaintext.length() + iv.length(),
        registration -> {
          byte[] octets = Base64Text.decode(PLAINTEXT, plaintext, ModuleKeys.MOST_DATA);
          byte[] vector = Base64Text.decode(IV, iv, ModuleKeys.MOST_IV);
          return result(CIPHERTEXT, keys().encrypt(module(registration), vector, octets));
        });
  }

  /** Measured first: how long it takes tells whether the text is that module's. */
  void decrypt(ModuleCall call, IotEdgePath path) throws Failure, IssuanceException {
    IotEdgeBody body = IotEdgeBody.required(call.request(), DECRYPT);
    String ciphertext = body.text(CIPHERTEXT);
    String iv = body.text(IV);
    answer(
        call,
        lookedAtTwice(
            call,
            path,
            registration -> {
              byte[] octets =
                  Base64Text.decode(CIPHERTEXT, ciphertext, ModuleKeys.MOST_DATA + FRAME);
              byte[] vector = Base64Text.decode(IV, iv, ModuleKeys.MOST_IV);
              return result(PLAINTEXT, keys().decrypt(module(registration), vector, octets));
            }));
  }

  /** Primary, whatever it is called: the reference daemon has but the one. */
  private static ModuleKeys.Which which(IotEdgeBody body) {
    return body.anyText(KEY_ID).filter(id -> id.equalsIgnoreCase("secondary")).isPresent()
        ? ModuleKeys.Which.SECONDARY
        : ModuleKeys.Which.PRIMARY;
  }

  private ModuleKeys keys() {
    return authority.moduleKeys();
  }

  private static ModuleKeys.Module module(Registration registration) {
    return new ModuleKeys.Module(registration.name(), registration.generation());
  }

  /** A look before the work and one after it. */
  private byte[] lookedAtTwice(ModuleCall call, IotEdgePath path, IotEdgeCallers.Work work)
      throws Failure, IssuanceException {
    Verdict.Attested attested = callers.byGeneration(call, path);
    byte[] body = work.of(attested.registration());
    callers.confirmAndCount(call, attested);
    return body;
  }

  /** The body of an answer, laid out before the last look. */
  private static byte[] result(String name, byte[] octets) {
    return Json.object(json -> json.writeBinaryField(name, octets));
  }

  private static void answer(ModuleCall call, byte[] body) {
    call.exchange().answer(Response.of(Status.OK, Response.JSON, body).secret());
  }
}
