package dev.vouchsafe.keys;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.keys.TpmRc.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What responses of a TPM mean, as tpm2-tools 5.4 print them. */
class TpmRcTest {
  @ParameterizedTest
  @CsvSource({
    "0x98e, AUTH", // TPM_RC_AUTH_FAIL of session 1
    "0x9a2, AUTH", // TPM_RC_BAD_AUTH of session 1
    "0x0a2, AUTH",
    "0x921, LOCKOUT",
    "0x99d, POLICY",
    "0x126, POLICY",
    "0x902, MEMORY",
    "0x903, MEMORY",
    "0xb0902, MEMORY", // of tpm2-abrmd
    "0x922, BUSY",
    "0x908, BUSY",
    "0x1df, STALE", // TPM_RC_INTEGRITY of parameter 1
    "0x18b, STALE", // TPM_RC_HANDLE of handle 1
    "0x910, RESET",
    "0x101, GONE",
    "0x100, GONE",
    "0xa000a, GONE", // of the TCTI
    "0x14b, FULL",
    "0x14c, TAKEN",
    "0x12f, OTHER",
    "0x90006, OTHER",
    "0x0, OTHER",
    "0x70001, GONE", // of the layer that speaks for it
    "0xffffffff, GONE"
  })
  void eachResponseHasItsMeaning(String code, Kind kind) {
    String printed =
        "WARNING:esys:src/x.c:300:Esys_HMAC_Finish() Received TPM Error \n"
            + "ERROR:esys:src/x.c:100:Esys_HMAC() Esys Finish ErrorCode ("
            + code
            + ") \nERROR: Unable to run tpm2_hmac";
    assertThat(TpmRc.kind(printed)).isEqualTo(kind);
  }

  @Test
  void aContextThatIsNotLoadedIsOfATpmThatWasReset() {
    assertThat(
            TpmRc.kind(
                "ERROR: Esys_ContextLoad(0x1DF) - tpm:parameter(1):integrity check failed\n"
                    + "ERROR: Unable to run tpm2_sign"))
        .isEqualTo(Kind.RESET);
    assertThat(TpmRc.kind("ERROR: Eys_Load(0x1DF) - tpm:parameter(1):integrity check failed"))
        .isEqualTo(Kind.STALE);
  }

  @Test
  void aWayToTheTpmThatIsNotThereIsGoneAndOneThatWeMayNotTakeIsDenied() {
    assertThat(
            TpmRc.kind(
                "ERROR:tcti:x.c:452:Init() Failed to open specified TCTI device file /dev/tpmrm0:"
                    + " No such file or directory\nERROR: Could not load tcti, got: \"x\""))
        .isEqualTo(Kind.GONE);
    assertThat(
            TpmRc.kind(
                "ERROR:tcti:x.c:452:Init() Failed to open specified TCTI device file /dev/tpmrm0:"
                    + " Permission denied\nERROR: Could not load tcti, got: \"x\""))
        .isEqualTo(Kind.DENIED);
  }

  @Test
  void theTextIsTheFirstErrorOnOneLine() {
    assertThat(TpmRc.text("noise\nERROR: it\u0007failed(0x902) \nERROR: more".getBytes(UTF_8)))
        .isEqualTo("response 0x902: it?failed(0x902)");
    assertThat(TpmRc.text(new byte[0])).isEqualTo("it says nothing");
    assertThat(TpmRc.text(("ERROR: " + "x".repeat(5000)).getBytes(UTF_8))).hasSize(200);
  }
}
