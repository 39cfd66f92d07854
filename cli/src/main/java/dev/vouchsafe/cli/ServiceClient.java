package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;

/** Asks the service over one of its sockets, and turns each answer into what the shell is told. */
final class ServiceClient {
  /** An authority is in no state in which the step can be taken. */
  private static final String STATE = "authority-state";

  /** It will be in a moment. */
  private static final String WAITS = "authority-waits";

  private final UnixHttpClient http;

  ServiceClient(UnixHttpClient http) {
    this.http = http;
  }

  /** The socket that the configuration names, if that can be read, else the usual one. */
  static Path configured(Home home, Function<Configuration.Listen, Path> which, Path usual) {
    if (!Files.isReadable(home.configuration())) {
      return usual;
    }
    try {
      return which.apply(ConfigurationFile.read(home).listen());
    } catch (ConfigurationException e) {
      return usual;
    }
  }

  JsonNode getJson(String target) throws CommandFailure {
    return json(good(http.get(target, "application/json")));
  }

  String getText(String target, String accept) throws CommandFailure {
    return good(http.get(target, accept)).body();
  }

  JsonNode postJson(String target, byte[] body) throws CommandFailure {
    return json(good(http.post(target, body)));
  }

  private static JsonNode json(UnixHttpClient.Answer answer) throws CommandFailure {
    try {
      return Json.read(answer.body());
    } catch (IOException e) {
      throw CommandFailure.failed("the service's answer is not JSON; is it of this version?", e);
    }
  }

  private static UnixHttpClient.Answer good(UnixHttpClient.Answer answer) throws CommandFailure {
    int status = answer.status();
    if (status >= 200 && status < 300) {
      return answer;
    }
    String said = problem(answer);
    String code = code(answer);
    if (status == 503 && code.equals(WAITS) && answer.retryAfter().isPresent()) {
      throw CommandFailure.passing(
          said, Duration.ofSeconds(Math.max(1, answer.retryAfter().get())));
    }
    throw switch (status) {
      case 401, 403 -> CommandFailure.refused("refused: " + said);
      // What stands in the way is no failure, and trying again does not help.
      case 409 -> code.equals(STATE) ? CommandFailure.refused(said) : CommandFailure.failed(said);
      case 408, 429, 502, 503, 504 ->
          CommandFailure.unavailable(
              "unavailable: "
                  + said
                  + answer
                      .retryAfter()
                      .map(seconds -> "; try again in " + seconds + " s")
                      .orElse("; try again"));
      default -> CommandFailure.failed(said);
    };
  }

  /** The code of an RFC 9457 problem; empty where there is none. */
  private static String code(UnixHttpClient.Answer answer) {
    try {
      return Json.read(answer.body()).path("code").asText("");
    } catch (IOException e) {
      return "";
    }
  }

  /** What an RFC 9457 problem, or an IoT Edge error, says; else the status alone. */
  private static String problem(UnixHttpClient.Answer answer) {
    try {
      JsonNode problem = Json.read(answer.body());
      String code = problem.path("code").asText("");
      String detail =
          Optional.of(problem.path("detail").asText(""))
              .filter(text -> !text.isEmpty())
              .orElse(problem.path("title").asText(problem.path("message").asText("")));
      String text = code.isEmpty() || detail.isEmpty() ? code + detail : code + ": " + detail;
      if (!text.isEmpty()) {
        return text.replaceAll("\\p{Cntrl}", " ");
      }
    } catch (IOException e) {
      // Not JSON: the status says all that is known.
    }
    return "the service answered with status " + answer.status();
  }
}
