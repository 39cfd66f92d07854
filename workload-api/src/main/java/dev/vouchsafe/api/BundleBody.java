package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The bodies of {@code POST /bundle/add} and {@code /bundle/remove}: one member, one string. */
final class BundleBody {
  private final String wanted;
  private @Nullable String value;

  private BundleBody(String wanted) {
    this.wanted = wanted;
  }

  /** The CAs as PEM, in {@code certificates}. */
  static String certificates(byte[] body) throws Failure {
    return new BundleBody("certificates").parse(body);
  }

  /** Which CA, in {@code id}. */
  static String id(byte[] body) throws Failure {
    return new BundleBody("id").parse(body);
  }

  private String parse(byte[] body) throws Failure {
    StrictBody.read(body, this::take);
    if (value == null) {
      throw StrictBody.invalid(wanted + ": is missing");
    }
    return value;
  }

  private void take(JsonParser json, String name) throws IOException, Failure {
    if (!name.equals(wanted)) {
      throw StrictBody.unknown(name);
    }
    value = StrictBody.text(json, name);
  }
}
