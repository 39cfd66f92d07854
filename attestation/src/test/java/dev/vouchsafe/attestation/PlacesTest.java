package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which registrations a caller is measured against that names none. */
class PlacesTest {
  private final Accounts accounts =
      new Accounts(
          (kind, name) -> name.equals("ann") ? OptionalLong.of(7) : OptionalLong.empty(),
          Duration.ofSeconds(60));

  @AfterEach
  void close() {
    accounts.close();
  }

  private List<List<Selector>> candidates(long uid, String cgroup, Registration... all) {
    IndexedSet set = new IndexedSet(List.of(all), List.of(), List.of(), accounts);
    ProcessCaller caller =
        new ProcessCaller(
            new ProcessCaller.Peer(1, uid, 0, List.of()),
            new ProcessCaller.Descriptors(-1, -1, -1),
            new ProcessCaller.State(
                new Credentials(uid, uid, uid, uid, 0, 0, 0, 0),
                null,
                MemorySegment.ofArray(("0::" + cgroup).getBytes(StandardCharsets.UTF_8)),
                null),
            new SocketId(0, 0),
            new ScratchPool());
    List<List<Selector>> found =
        set.candidates(caller).stream().map(Registration::selectors).toList();
    // A look at the caller only ever leaves some out.
    assertThat(set.candidates(uid).stream().map(Registration::selectors).toList())
        .containsAll(found);
    return found;
  }

  private static List<Selector> selectors(String... texts) {
    return List.of(texts).stream().map(Samples::selector).toList();
  }

  @Test
  void containersAndUnitsAreLookedForWhereTheCallerIs() {
    Registration web = Samples.registration("web", "container:name:web");
    Registration unit = Samples.registration("unit", "systemd:unit:a.service");
    Registration other = Samples.registration("other", "systemd:unit:b.service");
    Registration glob = Samples.registration("glob", "systemd:unit:a*.service");
    Registration user = Samples.registration("user", "unix:uid:7");
    Registration[] all = {web, unit, other, glob, user};
    assertThat(candidates(7, "/docker/" + "a".repeat(64), all))
        .containsExactly(
            selectors("systemd:unit:a*.service"),
            selectors("unix:uid:7"),
            selectors("container:name:web"));
    assertThat(candidates(8, "/system.slice/a.service", all))
        .containsExactly(selectors("systemd:unit:a*.service"), selectors("systemd:unit:a.service"));
    assertThat(candidates(8, "/", all)).containsExactly(selectors("systemd:unit:a*.service"));
  }

  @Test
  void alternativesLeaveOpenWhatAnyOfThemDoes() {
    Registration users =
        Samples.registration(
            List.of(), List.of(List.of("unix:uid:5"), List.of("unix:user:ann")), List.of());
    assertThat(candidates(5, "/", users)).hasSize(1);
    assertThat(candidates(7, "/", users)).hasSize(1);
    assertThat(candidates(6, "/", users)).isEmpty();
    Registration mixed =
        Samples.registration(
            List.of(),
            List.of(List.of("unix:uid:5"), List.of("container:name:web")),
            List.of("unix:uid:9"));
    assertThat(candidates(5, "/", mixed)).hasSize(1);
    assertThat(candidates(6, "/", mixed)).hasSize(1);
    Registration container =
        Samples.registration(
            List.of("unix:user:ann"), List.of(List.of("container:name:web")), List.of());
    assertThat(candidates(7, "/", container)).hasSize(1);
    assertThat(candidates(5, "/docker/" + "a".repeat(64), container)).isEmpty();
    Registration units =
        Samples.registration(
            List.of(),
            List.of(List.of("systemd:unit:a.service"), List.of("systemd:unit:b.service")),
            List.of());
    assertThat(candidates(0, "/system.slice/b.service", units)).hasSize(1);
    assertThat(candidates(0, "/system.slice/c.service", units)).isEmpty();
    Registration nobody =
        Samples.registration(List.of(), List.of(List.of("unix:user:gone")), List.of());
    assertThat(candidates(5, "/", nobody)).isEmpty();
  }
}
