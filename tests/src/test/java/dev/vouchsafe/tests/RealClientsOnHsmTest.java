package dev.vouchsafe.tests;

import java.io.IOException;

/** The published module SDKs, on a gateway whose keys are rooted in a PKCS#11 token. */
class RealClientsOnHsmTest extends RealClients {
  @Override
  GatewayHome makeHome() throws IOException, InterruptedException {
    GatewayHome home = GatewayHome.empty();
    home.initInToken(SoftHsm.beside(home));
    return home;
  }
}
