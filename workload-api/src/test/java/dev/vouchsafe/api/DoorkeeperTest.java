package dev.vouchsafe.api;

import static dev.vouchsafe.api.Doorkeeper.Welcome.INSIDE;
import static dev.vouchsafe.api.Doorkeeper.Welcome.IN_PASSING;
import static dev.vouchsafe.api.Doorkeeper.Welcome.TURNED_AWAY;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Who gets in, and whose place it is that a newcomer gets. */
class DoorkeeperTest {
  /** A connection that does as the test says. */
  private static final class FakeGuest implements Doorkeeper.Guest {
    boolean working;
    boolean gone;

    @Override
    public boolean mayGo() {
      return !working;
    }

    @Override
    public void giveWay() {
      gone = true;
    }
  }

  private static Doorkeeper door(int connections, int perUid) {
    return new Doorkeeper(new ApiSettings.Limits(connections, perUid, 1));
  }

  private static List<FakeGuest> enter(Doorkeeper door, Object owner, int count) {
    List<FakeGuest> guests = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      FakeGuest guest = new FakeGuest();
      assertThat(door.meet(owner, guest)).isEqualTo(INSIDE);
      guests.add(guest);
    }
    return guests;
  }

  @Test
  void anOwnerGetsItsShareAndNoMoreHoweverMuchRoomThereIs() {
    Doorkeeper door = door(100, 2);
    List<FakeGuest> inside = enter(door, "a", 2);
    assertThat(door.meet("a", new FakeGuest())).isEqualTo(TURNED_AWAY);
    door.bye("a", inside.get(0), INSIDE);
    assertThat(door.meet("a", new FakeGuest())).isEqualTo(INSIDE);
  }

  @Test
  void whenAllIsFullTheOldestIdleOneOfWhoeverHasMostGivesItsPlaceToANewcomer() {
    Doorkeeper door = door(6, 4);
    List<FakeGuest> rich = enter(door, "rich", 4);
    List<FakeGuest> poor = enter(door, "poor", 2);
    rich.get(0).working = true;

    assertThat(door.meet("new", new FakeGuest())).isEqualTo(INSIDE);
    assertThat(rich).extracting(guest -> guest.gone).containsExactly(false, true, false, false);
    assertThat(poor).extracting(guest -> guest.gone).containsOnly(false);
    door.bye("rich", rich.get(1), INSIDE);
    assertThat(door.meet("other", new FakeGuest()))
        .as("its place was given away")
        .isEqualTo(INSIDE);
    assertThat(rich).extracting(guest -> guest.gone).containsExactly(false, true, true, false);
  }

  @Test
  void whoHasAsManyAsTheOthersIsTurnedAwayWhenAllIsFull() {
    Doorkeeper door = door(4, 4);
    List<FakeGuest> all = enter(door, "a", 2);
    all.addAll(enter(door, "b", 2));
    assertThat(door.meet("a", new FakeGuest())).isEqualTo(TURNED_AWAY);
    assertThat(door.meet("b", new FakeGuest())).isEqualTo(TURNED_AWAY);
    assertThat(all).extracting(guest -> guest.gone).containsOnly(false);
  }

  @Test
  void nobodyGivesWayInTheMidstOfARequestButTheNextRichestDoes() {
    Doorkeeper door = door(7, 4);
    List<FakeGuest> busy = enter(door, "busy", 4);
    busy.forEach(guest -> guest.working = true);
    List<FakeGuest> idle = enter(door, "idle", 3);
    assertThat(door.meet("new", new FakeGuest())).isEqualTo(INSIDE);
    assertThat(idle).extracting(guest -> guest.gone).containsExactly(true, false, false);
    idle.forEach(guest -> guest.working = true);
    assertThat(door.meet("new", new FakeGuest())).isEqualTo(TURNED_AWAY);
    assertThat(busy).extracting(guest -> guest.gone).containsOnly(false);
  }

  @Test
  void thoseTurnedAwayAreBoundedToo() {
    Doorkeeper door = door(1, 1);
    enter(door, "a", 1);
    for (int i = 0; i < 8; i++) {
      assertThat(door.meet("a", new FakeGuest())).isEqualTo(TURNED_AWAY);
    }
    assertThat(door.meet("a", new FakeGuest())).isEqualTo(IN_PASSING);
    door.bye("a", new FakeGuest(), TURNED_AWAY);
    assertThat(door.meet("a", new FakeGuest())).isEqualTo(TURNED_AWAY);
  }

  @Test
  void whateverComesAndGoesTheLimitsHoldAndNobodyIsKeptOutByThoseWhoHaveMore() {
    Random random = new Random(5);
    Doorkeeper door = door(20, 8);
    Map<FakeGuest, Integer> inside = new HashMap<>();
    for (int round = 0; round < 20_000; round++) {
      List<FakeGuest> all = new ArrayList<>(inside.keySet());
      if (!all.isEmpty() && random.nextInt(4) == 0) {
        FakeGuest guest = all.get(random.nextInt(all.size()));
        guest.gone = true;
        leaveIfGone(door, inside, guest);
        continue;
      }
      int owner = random.nextInt(6);
      long own = count(inside, owner);
      long most = inside.values().stream().mapToLong(each -> count(inside, each)).max().orElse(0);
      FakeGuest guest = new FakeGuest();
      Doorkeeper.Welcome welcome = door.meet(owner, guest);
      boolean room = own < 8 && (inside.size() < 20 || most > own + 1);
      assertThat(welcome == INSIDE).isEqualTo(room);
      if (room) {
        inside.put(guest, owner);
        for (FakeGuest each : all) {
          leaveIfGone(door, inside, each);
        }
      } else if (welcome == TURNED_AWAY) {
        door.bye(owner, guest, welcome);
      }
      assertThat(inside.size()).isLessThanOrEqualTo(20);
    }
  }

  private static void leaveIfGone(
      Doorkeeper door, Map<FakeGuest, Integer> inside, FakeGuest guest) {
    Integer owner = guest.gone ? inside.remove(guest) : null;
    if (owner != null) {
      door.bye(owner, guest, INSIDE);
    }
  }

  private static long count(Map<FakeGuest, Integer> inside, int owner) {
    return inside.values().stream().filter(each -> each == owner).count();
  }
}
