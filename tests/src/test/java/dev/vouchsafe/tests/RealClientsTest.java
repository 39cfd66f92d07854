package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The published module SDKs, on a gateway whose keys are in its software store. */
class RealClientsTest extends RealClients {
  private static final int NOBODY = 65_534;

  @Override
  GatewayHome makeHome() throws IOException, InterruptedException {
    return GatewayHome.initialised();
  }

  @ParameterizedTest
  @EnumSource
  void aProcessOfAnotherUserGetsNoTokenAndIsToldSo(ModuleSdk sdk) throws Exception {
    int logins = here().broker().logins().size();
    Programs.Ended ended = here().run(sdk, NOBODY, here().broker(), "stolen");
    assertThat(ended.exit()).isOne();
    assertThat(ended.out()).contains("failed ").contains("forbidden").doesNotContain("sent");
    assertThat(here().broker().logins()).hasSize(logins);
  }

  @ParameterizedTest
  @EnumSource
  void aModuleOfAnotherSdkGetsNoTokenInThisName(ModuleSdk sdk) throws Exception {
    ModuleSdk other = sdk == ModuleSdk.NODE ? ModuleSdk.JAVA : ModuleSdk.NODE;
    Programs.Ended ended = here().run(sdk, other.uid(), here().broker(), "borrowed");
    assertThat(ended.exit()).isOne();
    assertThat(ended.out()).contains("forbidden").doesNotContain("sent");
  }

  @ParameterizedTest
  @EnumSource
  void aBrokerWithACertificateOfAnotherCaIsNotBelieved(ModuleSdk sdk) throws Exception {
    try (MqttBroker stranger = here().startStranger()) {
      Programs.Ended ended = here().run(sdk, sdk.uid(), stranger, "intercepted");
      assertThat(ended.exit()).isOne();
      assertThat(ended.out())
          .contains("trust bundle read")
          .containsPattern("self-signed certificate|unable to find valid certification path")
          .doesNotContain("sent");
      assertThat(stranger.logins()).as("it learnt no token").isEmpty();
    }
  }
}
