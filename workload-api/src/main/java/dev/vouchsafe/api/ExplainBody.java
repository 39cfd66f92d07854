package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/** The body of {@code POST /modules/NAME/explain} on the administrators' socket. */
final class ExplainBody {
  /** No kernel has more processes (proc(5), {@code pid_max}). */
  private static final int LARGEST_PID = 1 << 22;

  private int pid;

  private ExplainBody() {}

  /** The process that is to be looked at. */
  static int parse(byte[] body) throws Failure {
    ExplainBody fields = new ExplainBody();
    StrictBody.read(body, fields::take);
    if (fields.pid == 0) {
      throw StrictBody.invalid("pid: is missing");
    }
    return fields.pid;
  }

  private void take(JsonParser json, String name) throws IOException, Failure {
    if (!name.equals("pid")) {
      throw StrictBody.unknown(name);
    }
    if (json.currentToken() != JsonToken.VALUE_NUMBER_INT) {
      throw StrictBody.invalid("pid: is no whole number");
    }
    var number = json.getBigIntegerValue();
    if (number.signum() <= 0 || number.bitLength() > 31 || number.intValue() > LARGEST_PID) {
      throw StrictBody.invalid("pid: is not 1 to " + LARGEST_PID);
    }
    pid = number.intValue();
  }
}
