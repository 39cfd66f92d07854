package dev.vouchsafe.tests;

import static dev.vouchsafe.tests.AttackGround.MODULE;
import static dev.vouchsafe.tests.AttackGround.OTHER;
import static dev.vouchsafe.tests.AttackGround.certificateOf;
import static dev.vouchsafe.tests.AttackGround.post;
import static dev.vouchsafe.tests.AttackGround.uid;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Attacks by registrations of the attacker's own, and by names that look like another module's. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RegistrationAttacksTest {
  private static final int ISSUED = 201;
  private static final int REFUSED = 403;

  private AttackGround ground;
  private Path program;
  private Path registrations;

  @BeforeAll
  void open() throws Exception {
    ground = AttackGround.open();
    program = ground.trusted();
    ground.register("victim", List.of(uid(MODULE)));
    ground.register("mallory", List.of(uid(OTHER)));
    ground.register("edgeAgent", List.of(uid(MODULE)));
    registrations = ground.home().folder().resolve("registrations.d");
  }

  @AfterAll
  void close() throws IOException {
    if (ground != null) {
      ground.close();
    }
  }

  /** A registration as the attacker writes it, in a file of his own. */
  private Path forged(String name) throws Exception {
    Path file =
        Files.writeString(
            ground.folderOf(OTHER, "forged").resolve(name + ".toml"),
            """
            [[module]]
            name = "%s"
            selectors = ["unix:uid:%d"]
            profiles = ["server"]
            dns = ["module.example"]
            """
                .formatted(name, OTHER));
    Programs.run("chown", OTHER + ":" + OTHER, file.toString()).done();
    return file;
  }

  private void run(String... command) throws Exception {
    Programs.run(command).done();
  }

  private Programs.Ended runAsOther(String... command) throws Exception {
    return Programs.run(AttackGround.as(OTHER, List.of(command)), "");
  }

  @Test
  void aRegistrationThatAnotherUserWritesIntoAnOpenFolderGetsHimNothing() throws Exception {
    Path forged = forged("written");
    assertThat(runAsOther("cp", forged.toString(), registrations.toString()).exit())
        .as("a folder as it should be")
        .isNotZero();
    run("chmod", "0777", registrations.toString());
    try {
      runAsOther("cp", forged.toString(), registrations.toString()).done();
      assertThat(ground.ask(OTHER, program, "written")).isEqualTo(REFUSED);
    } finally {
      run("chmod", "0755", registrations.toString());
    }
    assertThat(ground.ask(OTHER, program, "written")).as("his own file").isEqualTo(REFUSED);
    run("chown", "0:0", ground.registration("written").toString());
    assertThat(ground.ask(OTHER, program, "written")).as("once it is root's").isEqualTo(ISSUED);
  }

  @Test
  void aRegistrationThatAnotherUserMovesOverTheVictimsGetsHimNothing() throws Exception {
    ground.register("moved", List.of(uid(MODULE)));
    assertThat(ground.ask(MODULE, program, "moved")).isEqualTo(ISSUED);
    Path forged = forged("moved");
    run("chmod", "0777", registrations.toString());
    try {
      runAsOther("mv", "-f", forged.toString(), registrations.toString()).done();
      assertThat(ground.ask(OTHER, program, "moved")).isEqualTo(REFUSED);
    } finally {
      run("chmod", "0755", registrations.toString());
    }
    assertThat(ground.ask(OTHER, program, "moved")).isEqualTo(REFUSED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0666", "0646", "0664", "0777"})
  void aRegistrationFileThatOthersMayWriteGetsThemNothing(String mode) throws Exception {
    String name = "open" + mode;
    ground.register(name, List.of(uid(MODULE)));
    assertThat(ground.ask(MODULE, program, name)).isEqualTo(ISSUED);
    String file = ground.registration(name).toString();
    run("chmod", mode, file);
    if (mode.equals("0664")) {
      run("chgrp", Long.toString(OTHER), file);
    }
    runAsOther("sh", "-c", "cat \"$0\" > \"$1\"", forged(name).toString(), file).done();
    assertThat(Files.readString(Path.of(file))).contains("unix:uid:" + OTHER);
    assertThat(ground.ask(OTHER, program, name)).isEqualTo(REFUSED);
  }

  @Test
  void aLinkInTheFolderToAnotherUsersFileGetsHimNothing() throws Exception {
    Files.createSymbolicLink(ground.registration("linked"), forged("linked"));
    assertThat(ground.ask(OTHER, program, "linked")).isEqualTo(REFUSED);
    Files.createLink(ground.registration("hardlinked"), forged("hardlinked"));
    assertThat(ground.ask(OTHER, program, "hardlinked")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, program, "victim")).isEqualTo(ISSUED);
  }

  @Test
  void aPipeInTheFolderHoldsNobodyUp() throws Exception {
    run("mkfifo", ground.registration("pipe").toString());
    ground.register("beside-the-pipe", List.of(uid(MODULE)));
    assertThat(ground.ask(MODULE, program, "beside-the-pipe")).isEqualTo(ISSUED);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "victim",
        "%76ictim",
        "%2576ictim",
        "VICTIM",
        "victim%00",
        "victim%00mallory",
        "mallory%00victim",
        "victim%0a",
        "victim%20",
        "+victim",
        "victim+",
        "./victim",
        "../victim",
        "..%2fvictim",
        "%2e%2e%2fvictim",
        "mallory%2f..%2fvictim",
        "%c0%ae%c0%ae%c0%afvictim",
        "victim.toml",
        "$victim",
        "$$victim",
        "%24victim",
        "$edgeAgent",
        "%24edgeAgent",
        "edgeAgent",
        "v%C4%B1ctim",
        "v%D1%96ctim",
        "\u0456victim",
        "v\u0131ctim",
        "victim;mallory",
        "mallory,victim",
        "mallory&module=victim",
        "mallory%26module=victim",
        "mallory#victim",
        "victim?module=mallory",
        "vict*",
        "*",
        "",
      })
  void aNameThatIsOrLooksLikeAnotherModulesGetsNothing(String name) throws Exception {
    String request = post("/v1/certificates?module=" + name, "{\"profile\":\"server\"}");
    int status =
        AttackGround.answer(AttackGround.as(OTHER, program, "ask", ground.socket(), request));
    assertThat(status).isBetween(400, 499);
    assertThat(ground.ask(OTHER, program, "mallory")).isEqualTo(ISSUED);
    assertThat(ground.ask(MODULE, program, "%76ictim")).isEqualTo(ISSUED);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/modules/victim/genid/1",
        "/modules/$victim/genid/1",
        "/modules/mallory/../victim/genid/1",
        "/modules/mallory%2f..%2fvictim/genid/1",
        "/modules/./victim/genid/1",
        "//modules/victim/genid/1",
        "/modules//victim/genid/1",
        "/modules/victim;mallory/genid/1",
        "/modules/victim%00/genid/1",
        "/modules/mallory/genid/1/../../victim/genid/1",
        "/modules/mallory/genid/1%2f..%2f..%2fvictim%2fgenid%2f1",
        "/modules/mallory/genid/2",
        "/modules/mallory/genid/1%00",
        "http://localhost/modules/victim/genid/1",
      })
  void aPathThatLeadsToAnotherModuleGetsNothing(String path) throws Exception {
    String signed = "{\"keyId\":\"primary\",\"algo\":\"HMACSHA256\",\"data\":\"AAAA\"}";
    String sign = "/sign?api-version=2019-11-05";
    int status =
        AttackGround.answer(
            AttackGround.as(OTHER, program, "ask", ground.socket(), post(path + sign, signed)));
    assertThat(status).isBetween(400, 499);
    assertThat(
            AttackGround.answer(
                AttackGround.as(
                    OTHER,
                    program,
                    "ask",
                    ground.socket(),
                    post("/modules/mallory/genid/1" + sign, signed))))
        .isEqualTo(200);
  }

  @Test
  void nothingWasIssuedInTheVictimsNameToAnybodyElse() throws Exception {
    ground.register("untouched", List.of(uid(MODULE)));
    for (String name : List.of("untouched", "%75ntouched", "$untouched", "untouched%00")) {
      assertThat(ground.ask(OTHER, program, name)).isBetween(400, 499);
    }
    assertThat(ground.issued("untouched")).isZero();
    assertThat(
            AttackGround.answer(
                AttackGround.as(
                    MODULE, program, "ask", ground.socket(), certificateOf("untouched"))))
        .isEqualTo(ISSUED);
    assertThat(ground.issued("untouched")).isEqualTo(1);
  }
}
