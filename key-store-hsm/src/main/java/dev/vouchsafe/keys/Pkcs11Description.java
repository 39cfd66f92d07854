package dev.vouchsafe.keys;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Says where the token is and what protects the keys in it. */
final class Pkcs11Description {
  private final Pkcs11Uri uri;
  private final TokenOpener opener;

  Pkcs11Description(Pkcs11Uri uri, TokenOpener opener) {
    this.uri = uri;
    this.opener = opener;
  }

  KeyStoreDescription now() {
    TokenInfo token = opener.seen();
    List<String> warnings = new ArrayList<>();
    if (token != null && token.is(Ck.CKF_USER_PIN_COUNT_LOW)) {
      warnings.add(
          "A wrong user PIN was tried at token " + token.named() + " since the last right one.");
    }
    addPinWarning(warnings);
    return new KeyStoreDescription(
        "pkcs11",
        location(token),
        "Each key is made in the token, sensitive and never extractable; secrets are sealed with"
            + " AES-256-GCM under a secret that a key in the token derives (HMAC-SHA256). Whoever"
            + " reads the PIN in "
            + uri.pinSource()
            + " and reaches the token can sign with them.",
        warnings);
  }

  private String location(@Nullable TokenInfo token) {
    String library = ", library " + uri.modulePath();
    return token == null
        ? "token " + uri.tokenNamed() + library
        : "token "
            + token.named()
            + " of "
            + (token.manufacturer().isEmpty() ? "an unnamed maker" : token.manufacturer())
            + library;
  }

  private void addPinWarning(List<String> warnings) {
    try {
      if (SecureFiles.isShared(uri.pinSource())) {
        warnings.add(
            uri.pinSource()
                + " can be read by its group: everybody in it can sign with the keys in the"
                + " token.");
      }
    } catch (IOException e) {
      warnings.add(uri.pinSource() + " can't be read now.");
    }
  }
}
