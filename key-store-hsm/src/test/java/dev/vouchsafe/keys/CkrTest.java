package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CkrTest {
  /** Numbers, as the standard and not as our table has them. */
  @ParameterizedTest
  @ValueSource(longs = {0x2, 0x5, 0x6, 0x30, 0x31, 0x32, 0xE0, 0xE1, 0x190, 0x80000001L, 0x7777})
  void aTokenThatIsGoneOrAnswersWhatNobodyKnowsIsALostDevice(long code) {
    assertThat(Ckr.kind(code)).isEqualTo(Ckr.Kind.DEVICE);
    assertThat(Ckr.kind(code).isLost()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(longs = {0x60, 0x82, 0x90, 0x91, 0xB0, 0xB3})
  void whatWasKnownInASessionThatEndedIsALostSession(long code) {
    assertThat(Ckr.kind(code)).isEqualTo(Ckr.Kind.SESSION);
    assertThat(Ckr.kind(code).isLost()).isTrue();
  }

  @Test
  void aTokenThatHasLoggedUsOutIsOpenedWithALogin() {
    assertThat(Ckr.kind(0x101)).isEqualTo(Ckr.Kind.LOGIN);
    assertThat(Ckr.kind(0x101).isLost()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(longs = {0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0x102})
  void whatIsSaidOfThePinIsNeverTriedAgain(long code) {
    assertThat(Ckr.kind(code)).isEqualTo(Ckr.Kind.PIN);
    assertThat(Ckr.kind(code).isLost()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      longs = {
        0x7, 0x10, 0x11, 0x12, 0x13, 0x54, 0x62, 0x63, 0x68, 0x70, 0x71, 0xB5, 0xD0, 0xD1, 0xE2,
        0x150
      })
  void whatWouldFailAgainIsPermanent(long code) {
    assertThat(Ckr.kind(code)).isEqualTo(Ckr.Kind.PERMANENT);
  }

  @Test
  void aCodeIsCalledByItsNameOrItsNumber() {
    assertThat(Ckr.name(0xA0)).isEqualTo("CKR_PIN_INCORRECT");
    assertThat(Ckr.name(0x80000001L)).isEqualTo("0x80000001");
    assertThat(Ckr.name(-1)).isEqualTo("0xffffffffffffffff");
  }
}
