package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.Verdict;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.ModuleKeys;
import java.util.Base64;
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
    Verdict.Attested attested = callers.byGeneration(call, path);
    byte[] octets = Base64Text.decode(DATA, data, ModuleKeys.MOST_DATA);
    byte[] digest = keys().sign(module(attested), which, octets);
    answer(call, attested, "digest", digest);
  }

  void encrypt(ModuleCall call, IotEdgePath path) throws Failure, IssuanceException {
    IotEdgeBody body = IotEdgeBody.required(call.request(), ENCRYPT);
    String plaintext = body.text(PLAINTEXT);
    String iv = body.text(IV);
    Verdict.Attested attested = callers.byGeneration(call, path);
    byte[] octets = Base64Text.decode(PLAINTEXT, plaintext, ModuleKeys.MOST_DATA);
    byte[] vector = Base64Text.decode(IV, iv, ModuleKeys.MOST_IV);
    answer(call, attested, CIPHERTEXT, keys().encrypt(module(attested), vector, octets));
  }

  void decrypt(ModuleCall call, IotEdgePath path) throws Failure, IssuanceException {
    IotEdgeBody body = IotEdgeBody.required(call.request(), DECRYPT);
    String ciphertext = body.text(CIPHERTEXT);
    String iv = body.text(IV);
    Verdict.Attested attested = callers.byGeneration(call, path);
    byte[] octets = Base64Text.decode(CIPHERTEXT, ciphertext, ModuleKeys.MOST_DATA + FRAME);
    byte[] vector = Base64Text.decode(IV, iv, ModuleKeys.MOST_IV);
    answer(call, attested, PLAINTEXT, keys().decrypt(module(attested), vector, octets));
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

  private static ModuleKeys.Module module(Verdict.Attested attested) {
    Registration registration = attested.registration();
    return new ModuleKeys.Module(registration.name(), registration.generation());
  }

  /** The result goes out only after the last look. */
  private void answer(ModuleCall call, Verdict.Attested attested, String name, byte[] octets)
      throws Failure {
    callers.confirm(call, attested);
    byte[] body =
        Json.object(
            json -> json.writeStringField(name, Base64.getEncoder().encodeToString(octets)));
    call.exchange().answer(Response.of(Status.OK, Response.JSON, body).secret());
  }
}
