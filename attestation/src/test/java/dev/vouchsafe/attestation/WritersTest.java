package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who wrote what is read next from a connection. */
class WritersTest {
  @TempDir Path folder;
  private final Scratch scratch = new Scratch();
  private Attestations at;

  @BeforeEach
  void open() throws Exception {
    at = new Attestations(folder, new Kernel());
    at.attestor.noteWriters(at.listener.descriptor());
  }

  @AfterEach
  void close() {
    at.close();
  }

  private static Written.By self(Peer peer) {
    return new Written.By((int) peer.pid(), Samples.uid());
  }

  private Written next(Peer peer) {
    return at.attestor.next(peer.socket(), self(peer));
  }

  private String read(Peer peer) {
    int length = Libc.read(scratch, peer.socket(), scratch.buffer, Scratch.BUFFER_BYTES);
    return new String(scratch.bytes(length), StandardCharsets.US_ASCII);
  }

  @Test
  void whatTheConnectingProcessWroteIsItsOwnAlsoBeforeAnybodyAcceptedIt() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      peer.does("write one");
      Written.By self = self(peer);
      assertThat(at.attestor.next(peer.socket(), self)).isSameAs(self);
      assertThat(at.attestor.next(peer.socket(), self)).as("nothing was taken").isSameAs(self);
      assertThat(read(peer)).isEqualTo("one");
    }
    try (Peer early = Peer.connect(at.listener)) {
      early.send("again");
      early.expect("connected");
      early.does("childwritesagain early");
      int second = at.listener.accept();
      assertThat(at.attestor.next(second, self(early)))
          .isInstanceOfSatisfying(
              Written.By.class, by -> assertThat(by.pid()).isNotEqualTo((int) early.pid()));
      at.listener.close(second);
    }
  }

  @Test
  void whatAChildWroteIsTheChilds() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      peer.does("childwrites foreign");
      assertThat(next(peer))
          .isNotEqualTo(self(peer))
          .isInstanceOfSatisfying(
              Written.By.class, by -> assertThat(by.uid()).isEqualTo(Samples.uid()));
    }
  }

  @Test
  void noReadTakesTheOctetsOfTwoWriters() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      peer.does("write head-");
      peer.does("childwrites body");
      peer.does("write tail");
      assertThat(next(peer)).isEqualTo(self(peer));
      assertThat(read(peer)).isEqualTo("head-");
      assertThat(next(peer)).isNotEqualTo(self(peer));
      assertThat(read(peer)).isEqualTo("body");
      assertThat(next(peer)).isEqualTo(self(peer));
      assertThat(read(peer)).isEqualTo("tail");
    }
  }

  @Test
  void theSameProcessUnderAnotherUserIsAnotherWriter() throws Exception {
    assumeTrue(Samples.uid() == 0, "needs root to be another user");
    try (Peer peer = Peer.connect(at.listener)) {
      peer.does("setuid 65534");
      peer.does("write x");
      assertThat(next(peer)).isEqualTo(new Written.By((int) peer.pid(), 65534));
    }
  }

  @Test
  void aChildUnderAnotherUserIsNamed() throws Exception {
    assumeTrue(Samples.uid() == 0, "needs root to be another user");
    try (Peer peer = Peer.connect(at.listener)) {
      peer.does("childwrites x 65534");
      assertThat(next(peer))
          .isInstanceOfSatisfying(Written.By.class, by -> assertThat(by.uid()).isEqualTo(65534));
    }
  }

  @Test
  void nothingAndTheEndAreToldApart() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      assertThat(next(peer)).isEqualTo(Written.Nothing.YET);
      peer.does("write last");
      peer.does("shutdown");
      assertThat(next(peer)).isEqualTo(self(peer));
      assertThat(read(peer)).isEqualTo("last");
      assertThat(next(peer)).isEqualTo(Written.Nothing.ANY_MORE);
    }
  }

  @Test
  void whereNobodyNotesTheWriterIsNotGuessed() throws Exception {
    try (Listener plain = new Listener(folder.resolve("plain"));
        Peer peer = Peer.connect(plain)) {
      peer.does("write x");
      assertThat(next(peer)).isInstanceOf(Written.Unsaid.class);
      assertThat(at.attestor.next(at.listener.descriptor(), self(peer)))
          .as("a socket that can't be read")
          .isInstanceOf(Written.Unsaid.class);
    }
  }

  @Test
  void aSocketThatIsNoneIsAnError() {
    assertThatThrownBy(() -> at.attestor.noteWriters(-1)).isInstanceOf(IOException.class);
  }
}
