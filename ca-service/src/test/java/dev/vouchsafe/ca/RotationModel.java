package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import java.security.cert.X509Certificate;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import javax.security.auth.x500.X500Principal;

/**
 * What a rotation may look like, and what each step makes of it, said a second time: roots and
 * device CAs that have not retired, the oldest first.
 *
 * @param authorities roots and device CAs, each role in the order of its generations
 */
record RotationModel(List<One> authorities) {
  /**
   * One authority.
   *
   * @param number its own; a later one has a higher one
   * @param root number of the root that it is under; of a root its own
   * @param before whom it took over from, and that one before it, the last first; as far as can be
   *     told where nobody looked on, any of its role that has a lower number
   */
  record One(Role role, int number, int root, State state, List<Integer> before) {
    One {
      before = List.copyOf(before);
    }

    One(Role role, int number, int root, State state) {
      this(role, number, root, state, List.of());
    }

    One in(State next) {
      return new One(role, number, root, next, before);
    }

    One after(One other) {
      List<Integer> more = new ArrayList<>(List.of(other.number()));
      more.addAll(other.before());
      return new One(role, number, root, state, more);
    }
  }

  /**
   * A step that can be taken.
   *
   * @param from the state of the authority that it is about; empty of one that is yet to be made
   */
  record Move(RotationStep step, Role role, Optional<State> from) {
    @Override
    public String toString() {
      return step + " " + role + from.map(state -> " from " + state).orElse("");
    }
  }

  /** The way to a model, and a step from there. */
  record Scenario(List<Move> before, Move move) {
    @Override
    public String toString() {
      return move + " after " + before;
    }
  }

  RotationModel {
    authorities = List.copyOf(authorities);
  }

  static RotationModel initial() {
    return new RotationModel(
        List.of(new One(Role.ROOT, 1, 1, State.ACTIVE), new One(Role.DEVICE, 2, 1, State.ACTIVE)));
  }

  /** As it stands; numbers are places. */
  static RotationModel of(CertificateAuthority ca) {
    List<One> authorities = new ArrayList<>();
    Map<X500Principal, Integer> roots = new HashMap<>();
    for (Role role : new Role[] {Role.ROOT, Role.DEVICE}) {
      for (AuthorityInfo info : ca.authorities()) {
        if (info.role() == role && info.state() != State.RETIRED) {
          int number = authorities.size() + 1;
          if (role == Role.ROOT) {
            roots.put(info.certificate().getSubjectX500Principal(), number);
          }
          int root = roots.getOrDefault(info.certificate().getIssuerX500Principal(), 0);
          authorities.add(new One(role, number, root, info.state()));
        }
      }
    }
    return new RotationModel(authorities).seenNow();
  }

  /** Without what was seen on the way to it. */
  private RotationModel seenNow() {
    return new RotationModel(
        authorities.stream()
            .map(it ->
                new One(
                    it.role(),
                    it.number(),
                    it.root(),
                    it.state(),
                    authorities.reversed().stream()
                        .filter(other -> other.role() == it.role() && other.number() < it.number())
                        .map(One::number)
                        .toList()))
            .toList());
  }

  /** The same with numbers as {@link #of} gives them. */
  RotationModel renumbered() {
    Map<Integer, Integer> places = new HashMap<>();
    authorities.forEach(it -> places.put(it.number(), places.size() + 1));
    return new RotationModel(
            authorities.stream()
                .map(it ->
                    new One(
                        it.role(),
                        places.getOrDefault(it.number(), 0),
                        places.getOrDefault(it.root(), 0),
                        it.state()))
                .toList())
        .seenNow();
  }

  private List<One> roots() {
    return authorities.stream().filter(it -> it.role() == Role.ROOT).toList();
  }

  private Optional<One> last(Predicate<One> wanted) {
    return authorities.stream().filter(wanted).reduce((older, newer) -> newer);
  }

  private One active(Role role) {
    return last(it -> it.role() == role && it.state() == State.ACTIVE).orElseThrow();
  }

  private static Predicate<One> device(int root, State state) {
    return it -> it.role() == Role.DEVICE && it.root() == root && it.state() == state;
  }

  private Optional<One> root(State state) {
    return last(it -> it.role() == Role.ROOT && it.state() == state);
  }

  /** The retiring device CA that the active one can be given up for. */
  private Optional<One> before() {
    One active = active(Role.DEVICE);
    return before(active, device(active.root(), State.RETIRING));
  }

  private Optional<One> before(One active, Predicate<One> wanted) {
    return active.before().stream()
        .flatMap(number -> authorities.stream().filter(it -> it.number() == number))
        .filter(wanted)
        .findFirst();
  }

  /** Every step of that kind that can be taken now. A new kind of step must be said here. */
  private List<Move> moves(RotationStep step, Role role) {
    boolean isRoot = role == Role.ROOT;
    int root = active(Role.ROOT).root();
    List<Move> moves = new ArrayList<>();
    switch (step) {
      case PREPARE -> {
        if (isRoot ? roots().size() == 1 : last(device(root, State.PREPARED)).isEmpty()) {
          moves.add(new Move(step, role, Optional.empty()));
        }
      }
      case PUBLISH -> {
        if (isRoot) {
          root(State.PREPARED).ifPresent(it -> moves.add(from(step, it)));
        }
      }
      case ACTIVATE ->
          (isRoot ? root(State.PUBLISHED) : last(device(root, State.PREPARED)))
              .ifPresent(it -> moves.add(from(step, it)));
      case RETIRE ->
          (isRoot
                  ? root(State.RETIRING)
                  : last(it -> it.role() == Role.DEVICE && it.state() == State.RETIRING))
              .ifPresent(it -> moves.add(from(step, it)));
      case ABORT -> {
        if (isRoot) {
          root(State.PREPARED).ifPresent(it -> moves.add(from(step, it)));
          root(State.PUBLISHED).ifPresent(it -> moves.add(from(step, it)));
          root(State.RETIRING)
              .filter(it -> it.root() < root)
              .ifPresent(it -> moves.add(new Move(step, role, Optional.of(State.ACTIVE))));
        } else {
          last(device(root, State.PREPARED)).ifPresent(it -> moves.add(from(step, it)));
          before().ifPresent(it -> moves.add(new Move(step, role, Optional.of(State.ACTIVE))));
        }
      }
    }
    return moves;
  }

  private static Move from(RotationStep step, One about) {
    return new Move(step, about.role(), Optional.of(about.state()));
  }

  /** Every step that can be taken now. */
  List<Move> moves() {
    List<Move> moves = new ArrayList<>();
    for (RotationStep step : RotationStep.values()) {
      for (Role role : new Role[] {Role.DEVICE, Role.ROOT}) {
        moves.addAll(moves(step, role));
      }
    }
    return moves;
  }

  /** What that step makes of it. */
  RotationModel after(Move move) {
    List<One> next = new ArrayList<>(authorities);
    One root = active(Role.ROOT);
    One device = active(Role.DEVICE);
    switch (move.step()) {
      case PREPARE -> {
        int number = 1 + authorities.stream().mapToInt(One::number).max().orElseThrow();
        boolean isRoot = move.role() == Role.ROOT;
        if (isRoot) {
          next.add(roots().size(), new One(Role.ROOT, number, number, State.PREPARED));
        }
        next.add(new One(Role.DEVICE, number + 1, isRoot ? number : root.root(), State.PREPARED));
      }
      case PUBLISH -> replace(next, root(State.PREPARED), State.PUBLISHED);
      case ACTIVATE -> {
        if (move.role() == Role.ROOT) {
          One taking = root(State.PUBLISHED).orElseThrow();
          One under = last(device(taking.root(), State.PREPARED)).orElseThrow();
          takeOver(next, root, device, taking, under);
          replace(next, under.in(State.ACTIVE), under.in(State.ACTIVE).after(device));
        } else {
          One taking = last(device(root.root(), State.PREPARED)).orElseThrow();
          replace(next, taking, taking.in(State.ACTIVE).after(device));
          replace(next, Optional.of(device), State.RETIRING);
        }
      }
      case RETIRE -> retire(next, move);
      case ABORT -> abort(next, move, root, device);
    }
    return new RotationModel(next);
  }

  private void retire(List<One> next, Move move) {
    if (move.role() == Role.DEVICE) {
      next.remove(
          last(it -> it.role() == Role.DEVICE && it.state() == State.RETIRING).orElseThrow());
    } else {
      One ending = root(State.RETIRING).orElseThrow();
      next.remove(ending);
      next.removeIf(device(ending.root(), State.RETIRING));
    }
  }

  private void abort(List<One> next, Move move, One root, One device) {
    State from = move.from().orElseThrow();
    if (move.role() == Role.DEVICE) {
      if (from == State.PREPARED) {
        next.remove(last(device(root.root(), State.PREPARED)).orElseThrow());
      } else {
        replace(next, before(), State.ACTIVE);
        replace(next, Optional.of(device), State.RETIRING);
      }
    } else if (from == State.ACTIVE) {
      One taking = root(State.RETIRING).orElseThrow();
      One under = before(device, device(taking.root(), State.RETIRING)).orElseThrow();
      takeOver(next, root, device, taking, under);
    } else {
      One given = root(from).orElseThrow();
      next.remove(given);
      next.removeIf(device(given.root(), State.PREPARED));
    }
  }

  private static void takeOver(List<One> next, One root, One device, One taking, One under) {
    replace(next, Optional.of(root), State.RETIRING);
    replace(next, Optional.of(taking), State.ACTIVE);
    replace(next, Optional.of(under), State.ACTIVE);
    replace(next, Optional.of(device), State.RETIRING);
    next.removeIf(it -> it.role() == Role.DEVICE && it.state() == State.PREPARED);
  }

  private static void replace(List<One> next, Optional<One> what, State state) {
    One before = what.orElseThrow();
    replace(next, before, before.in(state));
  }

  private static void replace(List<One> next, One what, One by) {
    next.set(next.indexOf(what), by);
  }

  /** To go back beside one that was gone back from before: that one must not sign again. */
  static Scenario besideOneThatWasGivenUp() {
    Move prepare = new Move(RotationStep.PREPARE, Role.DEVICE, Optional.empty());
    Move activate = new Move(RotationStep.ACTIVATE, Role.DEVICE, Optional.of(State.PREPARED));
    Move abort = new Move(RotationStep.ABORT, Role.DEVICE, Optional.of(State.ACTIVE));
    return new Scenario(List.of(prepare, activate, abort, prepare, activate), abort);
  }

  /**
   * Every kind of step that any way of so many steps leads to, each by the shortest way: made of
   * what can be done, so that none is left out.
   */
  static List<Scenario> scenarios(int longest) {
    List<Scenario> found = new ArrayList<>();
    Set<Move> seen = new HashSet<>();
    ArrayDeque<List<Move>> ways = new ArrayDeque<>(List.of(List.of()));
    while (!ways.isEmpty()) {
      List<Move> way = ways.remove();
      RotationModel at = initial();
      for (Move move : way) {
        at = at.after(move);
      }
      for (Move move : at.moves()) {
        if (seen.add(move)) {
          found.add(new Scenario(way, move));
        }
        if (way.size() + 1 < longest) {
          List<Move> further = new ArrayList<>(way);
          further.add(move);
          ways.add(further);
        }
      }
    }
    return found;
  }

  /** Takes the step on the real ones, without waiting for anybody. */
  static void take(CertificateAuthority ca, String by, Move move, Optional<String> keyStore)
      throws IssuanceException {
    AuthorityChanges changes = ca.changes().by(by);
    if (move.step() == RotationStep.PREPARE) {
      var _ = changes.prepare(move.role(), keyStore);
      return;
    }
    String id = about(ca, move);
    var _ =
        switch (move.step()) {
          case PREPARE -> throw new IllegalStateException("is taken above");
          case PUBLISH -> changes.publish(id);
          case ACTIVATE -> changes.activate(id, true);
          case RETIRE -> changes.retire(id, true);
          case ABORT -> changes.abort(id, move.from());
        };
  }

  /** The id of the authority that the step is about. */
  private static String about(CertificateAuthority ca, Move move) {
    X509Certificate root =
        ca.authorities().stream()
            .filter(it -> it.role() == Role.ROOT && it.state() == State.ACTIVE)
            .findAny()
            .orElseThrow()
            .certificate();
    return ca.authorities().stream()
        .filter(it -> it.role() == move.role() && move.from().equals(Optional.of(it.state())))
        .filter(it ->
            move.role() == Role.ROOT
                || move.step() == RotationStep.RETIRE
                || it.certificate().getIssuerX500Principal().equals(root.getSubjectX500Principal()))
        .reduce((older, newer) -> newer)
        .orElseThrow()
        .id();
  }
}
