package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.ModuleKeys;
import java.util.List;

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
  private final IotEdgeCallers callers;

  IotEdgeKeys(CertificateAuthority authority, IotEdgeCallers callers) {
    this.authority = authority;
    this.callers = callers;
  }

  void sign(ModuleCall call, IotEdgePath path) throws Failure, IssuanceException {
    IotEdgeBody body = IotEdgeBody.required(call.request(), SIGN);
    String data = body.text(DATA);
    ModuleKeys.Which which = which(body);
    IotEdgeCallers.Work work =
        registration -> {
          byte[] octets = Base64Text.decode(DATA, data, ModuleKeys.MOST_DATA);
          return result("digest", keys().sign(module(registration), which, octets));
        };
    answer(
        call,
        isShort(data.length())
            ? callers.thenMeasured(call, path, work)
            : lookedAtTwice(call, path, work));
  }

  void encrypt(ModuleCall call, IotEdgePath path) throws Failure, IssuanceException {
    IotEdgeBody body = IotEdgeBody.required(call.request(), ENCRYPT);
    String plaintext = body.text(PLAINTEXT);
    String iv = body.text(IV);
    IotEdgeCallers.Work work =
        registration -> {
          byte[] octets = Base64Text.decode(PLAINTEXT, plaintext, ModuleKeys.MOST_DATA);
          byte[] vector = Base64Text.decode(IV, iv, ModuleKeys.MOST_IV);
          return result(CIPHERTEXT, keys().encrypt(module(registration), vector, octets));
        };
    answer(
        call,
        isShort(plaintext.length() + iv.length())
            ? callers.thenMeasured(call, path, work)
            : lookedAtTwice(call, path, work));
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

  /** Whether so little is asked for that a stranger may have it done, and without waiting. */
  private boolean isShort(int base64Characters) {
    return base64Characters <= SHORT && keys().ready();
  }

  /** A look before the work and one after it. */
  private byte[] lookedAtTwice(ModuleCall call, IotEdgePath path, IotEdgeCallers.Work work)
      throws Failure, IssuanceException {
    Verdict.Attested attested = callers.byGeneration(call, path);
    byte[] body = work.of(attested.registration());
    callers.confirm(call, attested);
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
