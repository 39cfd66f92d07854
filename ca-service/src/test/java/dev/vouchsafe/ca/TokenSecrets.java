package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyLabel;
import java.security.KeyFactory;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Unseals the token keys of a test's CA, to look for them where they must not be. */
final class TokenSecrets {
  private TokenSecrets() {}

  /** The secret number of each key, 32 octets. */
  static List<byte[]> scalars(TestCa ca) throws Exception {
    List<byte[]> scalars = new ArrayList<>();
    try (Connection connection = LedgerPeek.connect(ca.settings.directory());
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT kid, sealed FROM token_key")) {
      while (rows.next()) {
        byte[] pkcs8 =
            ca.store.unseal(KeyLabel.of("token-key", rows.getString(1)), rows.getBytes(2));
        ECPrivateKey key =
            (ECPrivateKey)
                KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        byte[] scalar = key.getS().toByteArray();
        byte[] whole = new byte[32];
        byte[] tail = Arrays.copyOfRange(scalar, Math.max(0, scalar.length - 32), scalar.length);
        System.arraycopy(tail, 0, whole, 32 - tail.length, tail.length);
        scalars.add(whole);
      }
    }
    return scalars;
  }
}
