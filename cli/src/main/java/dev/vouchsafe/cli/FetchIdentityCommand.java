package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Asks who the caller is taken for. */
@Command(
    name = "identity",
    description = "Says which registration the calling process was recognised as, and by what.",
    footerHeading = "%nExamples:%n",
    footer = "  vouchsafe fetch identity")
final class FetchIdentityCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable FetchCommand parent;

  @Option(
      names = "--module",
      paramLabel = "NAME",
      description = "Which registration is meant, where several hold for this process.")
  private @Nullable String module;

  FetchIdentityCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    FetchCommand fetch = FetchCommand.of(parent);
    JsonNode identity = fetch.client().getJson("/v1/identity" + Targets.module(module));
    if (fetch.globals().json()) {
      Json.print(console.out(), identity);
      return ExitCode.DONE.number();
    }
    List<String> selectors = new ArrayList<>();
    identity.path("attestedBy").forEach(selector -> selectors.add(selector.asText()));
    console.out().println("module       " + identity.path("module").asText());
    console.out().println("generation   " + identity.path("generation").asText());
    console.out().println("SPIFFE ID    " + identity.path("spiffeId").asText("none"));
    console.out().println("attested by  " + String.join(" ", selectors));
    return ExitCode.DONE.number();
  }
}
