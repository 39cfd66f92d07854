package dev.vouchsafe.cli;

import dev.vouchsafe.ca.TokenException;
import dev.vouchsafe.ca.TokenVerifier;
import dev.vouchsafe.ca.VerifiedToken;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Verifies a token against published keys. */
@Command(
    name = "verify",
    description = {
      "Verifies a JWT that this gateway issued: signature, algorithm, times and, if one is given,"
          + " the audience, and whether it was revoked. Prints its claims. The service needn't run.",
      "Exit status: 0 it is good, 3 it is not, 1 it could not be looked at."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe fetch token --audience hub.example | vouchsafe token verify",
      "  vouchsafe token verify --audience hub.example --jwks keys.json token.jwt"
    })
final class TokenVerifyCommand implements Callable<Integer> {
  /** The token, and the end of its line. */
  private static final int LONGEST_TOKEN = TokenVerifier.LONGEST_TOKEN + 2;

  private final Console console;

  @ParentCommand private @Nullable TokenCommand parent;

  @Parameters(
      paramLabel = "FILE",
      arity = "0..1",
      description = "The file with the token. Default, or -: the standard input.")
  private String file = "-";

  @Option(
      names = "--audience",
      paramLabel = "A",
      description = "An audience that the token must have: the verifier's own name.")
  private @Nullable String audience;

  @Option(
      names = "--jwks",
      paramLabel = "FILE",
      description =
          "The keys to verify with, as /.well-known/jwks.json gives them. Default: those of the"
              + " home.")
  private @Nullable Path jwks;

  @Option(
      names = "--revoked",
      paramLabel = "FILE",
      description =
          "The revoked tokens, as /.well-known/revoked-tokens.json gives them. Default: those of"
              + " the home, unless --jwks names the keys of another.")
  private @Nullable Path revoked;

  TokenVerifyCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = TokenCommand.globals(parent);
    Logs.quiet(console, globals.verbose());
    TokenVerifier verifier = verifier(globals);
    try {
      VerifiedToken token =
          verifier.verify(token(), Optional.ofNullable(audience), console.clock().instant());
      requireNotRevoked(globals, token);
      print(globals, token);
      return ExitCode.DONE.number();
    } catch (TokenException e) {
      throw CommandFailure.refused(
          "the token is not good ("
              + e.reason().name().toLowerCase(Locale.ROOT).replace('_', '-')
              + "): "
              + Causes.text(e));
    }
  }

  private void requireNotRevoked(RootCommand globals, VerifiedToken token) throws CommandFailure {
    Path list = revoked;
    if (list == null && jwks == null) {
      list = globals.home().revokedTokens();
    }
    if (list != null && RevokedIds.read(list).contains(token.id())) {
      throw CommandFailure.refused("the token is not good (revoked): it was taken back");
    }
  }

  private TokenVerifier verifier(RootCommand globals) throws CommandFailure {
    Path keys = jwks == null ? globals.home().tokenKeys() : jwks;
    try (InputStream in = Files.newInputStream(keys)) {
      return TokenVerifier.of(text(in, TokenVerifier.LARGEST_JWKS, keys.toString()));
    } catch (NoSuchFileException e) {
      throw CommandFailure.failed(
          keys + " does not exist; name a home with --home, or the keys with --jwks", e);
    } catch (IOException e) {
      throw CommandFailure.failed("the keys can't be read: " + Causes.of(e), e);
    } catch (TokenException e) {
      throw CommandFailure.failed(keys + ": " + Causes.text(e), e);
    }
  }

  private String token() throws CommandFailure {
    if (file.equals("-")) {
      try {
        return text(console.in(), LONGEST_TOKEN, "the standard input").strip();
      } catch (IOException e) {
        throw CommandFailure.failed("the standard input can't be read: " + Causes.of(e), e);
      }
    }
    try (InputStream in = Files.newInputStream(Path.of(file))) {
      return text(in, LONGEST_TOKEN, file).strip();
    } catch (IOException e) {
      throw CommandFailure.failed("the token can't be read: " + Causes.of(e), e);
    }
  }

  private static String text(InputStream in, int most, String what)
      throws IOException, CommandFailure {
    byte[] octets = in.readNBytes(most + 1);
    if (octets.length > most) {
      throw CommandFailure.failed(what + ": over " + most + " octets");
    }
    return new String(octets, StandardCharsets.UTF_8);
  }

  private void print(RootCommand globals, VerifiedToken token) throws IOException {
    if (globals.json()) {
      Json.print(
          console.out(),
          json -> {
            json.writeStartObject();
            json.writeStringField("subject", token.subject());
            json.writeStringField("issuer", token.issuer());
            json.writeArrayFieldStart("audience");
            for (String one : token.audience()) {
              json.writeString(one);
            }
            json.writeEndArray();
            json.writeStringField("id", token.id());
            json.writeStringField("issuedAt", token.issuedAt().toString());
            json.writeStringField("expiresAt", token.expiresAt().toString());
            json.writeStringField("keyId", token.kid());
            json.writeEndObject();
          });
      return;
    }
    console.out().println("subject     " + token.subject());
    console.out().println("issuer      " + token.issuer());
    console.out().println("audience    " + String.join(" ", token.audience()));
    console.out().println("id          " + token.id());
    console.out().println("issued at   " + token.issuedAt());
    console.out().println("expires at  " + token.expiresAt());
    console.out().println("key id      " + token.kid());
  }
}
