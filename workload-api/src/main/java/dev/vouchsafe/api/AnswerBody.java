package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The body of {@code POST /authorities/certificate}: what others made of our request. */
final class AnswerBody {
  /**
   * The answer.
   *
   * @param certificates the device CA's certificate and those over it, PEM
   * @param now whether not to wait for those who don't know the one at the top
   */
  record Answer(String certificates, boolean now) {}

  private @Nullable String certificates;
  private boolean now;

  private AnswerBody() {}

  static Answer parse(byte[] body) throws Failure {
    AnswerBody fields = new AnswerBody();
    StrictBody.read(body, fields::take);
    if (fields.certificates == null) {
      throw StrictBody.invalid("certificates: is missing");
    }
    return new Answer(fields.certificates, fields.now);
  }

  private void take(JsonParser json, String name) throws IOException, Failure {
    switch (name) {
      case "certificates" -> certificates = StrictBody.text(json, name);
      case "now" -> now = StepBody.truth(json, name);
      default -> throw StrictBody.unknown(name);
    }
  }
}
