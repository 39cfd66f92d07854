package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** What `ca status` says of a root at each step of its rotation, in a few lines. */
class RootStatusTest {
  private static JsonNode rotation(String root, String journal) throws Exception {
    return new ObjectMapper()
        .readTree(
            """
            {"at":"2026-11-23T12:00:00Z","automatic":true,
             "device":{"active":{"id":"device-1","role":"device","notAfter":"2028-11-23T12:00:00Z"},
               "steps":[{"step":"prepare","authority":"","automatic":true,
                 "from":"2027-11-23T12:00:00Z","waitsFor":[],"affects":[]}]},
             "root":{"active":{"id":"root-1","role":"root","notAfter":"2046-11-23T12:00:00Z"},%s},
             "journal":[{"at":"2026-11-23T11:59:00Z","role":"root",%s,"by":"uid 0"}]}
            """
                .formatted(root, journal));
  }

  private static String text(JsonNode rotation) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    RotationText.standing(new PrintStream(out, true, StandardCharsets.UTF_8), rotation);
    return out.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aPublishedRootIsToldWithWhatItWaitsForAndUntilWhen() throws Exception {
    String text =
        text(
            rotation(
                """
                "next":{"id":"root-2"},"steps":[{"step":"activate","authority":"root-2",
                "automatic":false,"from":"2026-11-23T17:00:00Z","waitsFor":["edgeHub to fetch version 2"],
                "affects":[]}]\
                """,
                "\"step\":\"publish\",\"authority\":\"root-2\",\"outcome\":\"done\""));
    assertThat(text)
        .containsPattern(
            "root +root-1 +2046-11-23T12:00:00Z +activate root-2 +2026-11-23T17:00:00Z +you")
        .contains("root waits for: edgeHub to fetch version 2")
        .contains("last step: 2026-11-23T11:59:00Z publish root-2 by uid 0: done");
    assertThat(text.lines().count()).isLessThan(10);
  }

  @Test
  void aStepThatWasCutOffIsToldWithWhatToDo() throws Exception {
    String text =
        text(
            rotation(
                """
                "steps":[{"step":"prepare","authority":"","automatic":false,
                "from":"2026-11-23T12:00:00Z","waitsFor":[],"affects":[]}]\
                """,
                "\"step\":\"prepare\",\"authority\":\"\",\"outcome\":\"interrupted\""));
    assertThat(text)
        .containsPattern("root +root-1 +2046-11-23T12:00:00Z +prepare a new root +2026-\\S+ +you")
        .contains("prepare a new root by uid 0: interrupted; ")
        .contains("take it again");
  }
}
