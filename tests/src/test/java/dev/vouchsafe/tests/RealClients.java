package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Modules that were written for an IoT Edge run here with the published SDKs, unchanged: what they
 * do from start to end, whatever keeps the gateway's keys.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class RealClients {
  /** How long both SDKs let a token live. */
  private static final Duration LIFE_OF_A_TOKEN = Duration.ofHours(1);

  private @Nullable SdkGateway started;

  /** Makes the home of the gateway. */
  abstract GatewayHome makeHome() throws IOException, InterruptedException;

  @BeforeAll
  void start() throws IOException, InterruptedException {
    Assumptions.assumeTrue(GatewayHome.uid() == 0, "only root can become somebody else");
    started = SdkGateway.start(makeHome());
  }

  @AfterAll
  void end() throws IOException {
    if (started != null) {
      started.close();
    }
  }

  final SdkGateway here() {
    return Objects.requireNonNull(started);
  }

  @ParameterizedTest
  @EnumSource
  void aModuleSendsAMessageToABrokerThatGotItsCertificateHere(ModuleSdk sdk) throws Exception {
    String message = "hello from " + sdk;
    here().broker().watch(sdk + "-watcher", here().bundle());
    Programs.Ended ended = here().run(sdk, sdk.uid(), here().broker(), message);
    assertThat(ended.exit()).as("%s%s", ended.out(), ended.err()).isZero();
    assertThat(ended.out()).endsWith("sent\n");
    assertThat(here().broker().next(sdk + "-watcher", here().bundle()))
        .startsWith("devices/gw/modules/" + sdk.module() + "/messages/events/")
        .endsWith("\t" + message);
    MqttBroker.Login login = login(sdk);
    assertThat(here().broker().log())
        .contains(" as " + login.clientId() + " (")
        .contains("u'" + login.userName() + "'");
  }

  /** The last login of an SDK's module at the broker, which must be there. */
  private MqttBroker.Login login(ModuleSdk sdk) throws IOException {
    MqttBroker.Login login =
        here().broker().logins().stream()
            .filter(each -> each.clientId().equals("gw/" + sdk.module()))
            .reduce((_, last) -> last)
            .orElseThrow();
    assertThat(URLDecoder.decode(login.userName(), StandardCharsets.UTF_8))
        .startsWith(SdkGateway.HUB + "/gw/" + sdk.module() + "/?api-version=")
        .contains("DeviceClientType=" + sdk.agent());
    return login;
  }

  @ParameterizedTest
  @EnumSource
  void theTokenThatTheBrokerGotIsSignedWithTheKeyOfThisModuleAlone(ModuleSdk sdk) throws Exception {
    Instant before = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    here().run(sdk, sdk.uid(), here().broker(), "token").done();
    String password = login(sdk).password();
    SasToken token = SasToken.parse(password);
    assertThat(token.resource()).isEqualTo(SdkGateway.HUB + "/devices/gw/modules/" + sdk.module());
    assertThat(token.expires())
        .isBetween(before.plus(LIFE_OF_A_TOKEN), Instant.now().plus(LIFE_OF_A_TOKEN));
    for (ModuleSdk each : ModuleSdk.values()) {
      assertThat(token.isSignedBy(here().key(each)))
          .as("signed with the key of %s", each)
          .isEqualTo(each == sdk);
    }
    assertThat(here().broker().keepsLoginsToItself()).isTrue();
    for (String log : new String[] {here().gateway().log(), here().broker().log()}) {
      assertThat(log.contains(token.signature()) || log.contains(password))
          .as("token in a log")
          .isFalse();
    }
  }
}
