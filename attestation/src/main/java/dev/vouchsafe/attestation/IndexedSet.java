package dev.vouchsafe.attestation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A set of registrations with an index by user id, made anew when a user's name changes its id. */
final class IndexedSet implements RegistrationSet {
  private static final Comparator<Registration> BY_NAME = Comparator.comparing(Registration::name);

  private final List<Registration> all;
  private final List<Registration> ofFiles;
  private final Set<String> builtIn;
  private final Map<String, Registration> byName;
  private final List<RegistrationProblem> problems;
  private final Accounts accounts;
  private volatile @Nullable Index index;

  /**
   * Who may be whom.
   *
   * @param version of the accounts that it was made from
   * @param byUid those that one user id alone can be
   * @param open those of no user in particular, or whose user can't be told now
   * @param places what a cgroup says of the open ones
   */
  private record Index(
      long version, Map<Long, List<Registration>> byUid, List<Registration> open, Places places) {}

  /**
   * @param ofFiles no two of one name, nor of that of one that is built in
   */
  IndexedSet(
      List<Registration> ofFiles,
      List<Registration> builtIn,
      List<RegistrationProblem> problems,
      Accounts accounts) {
    this.all = Stream.concat(ofFiles.stream(), builtIn.stream()).sorted(BY_NAME).toList();
    this.ofFiles = ofFiles.stream().sorted(BY_NAME).toList();
    this.builtIn = builtIn.stream().map(Registration::name).collect(Collectors.toUnmodifiableSet());
    this.byName = new HashMap<>();
    all.forEach(r -> byName.put(r.name(), r));
    this.problems = List.copyOf(problems);
    this.accounts = accounts;
  }

  /** All names of users and groups in a set, so that they can be resolved ahead of need. */
  Set<Accounts.Name> accountNames() {
    Set<Accounts.Name> names = new HashSet<>();
    for (Registration registration : all) {
      registration.everySelector().forEach(s -> accountName(s).ifPresent(names::add));
    }
    return names;
  }

  private static Optional<Accounts.Name> accountName(Selector selector) {
    return switch (selector) {
      case Selector.User u -> Optional.of(new Accounts.Name(AccountNames.Kind.USER, u.user()));
      case Selector.Group g -> Optional.of(new Accounts.Name(AccountNames.Kind.GROUP, g.group()));
      default -> Optional.empty();
    };
  }

  @Override
  public List<Registration> all() {
    return all;
  }

  @Override
  public Optional<Registration> byName(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  @Override
  public boolean isBuiltIn(String name) {
    return builtIn.contains(name);
  }

  @Override
  public List<Registration> candidates(long uid) {
    Index current = index();
    return together(current, uid, current.open);
  }

  @Override
  public List<Registration> candidates(Caller caller) {
    Index current = index();
    return caller instanceof ProcessCaller process && !current.open.isEmpty()
        ? together(current, caller.uid(), current.places.candidates(process))
        : candidates(caller.uid());
  }

  private static List<Registration> together(Index index, long uid, List<Registration> open) {
    List<Registration> own = index.byUid.getOrDefault(uid, List.of());
    return open.isEmpty()
        ? own
        : Stream.concat(own.stream(), open.stream()).sorted(BY_NAME).toList();
  }

  @Override
  public List<RegistrationProblem> problems() {
    return problems;
  }

  private Index index() {
    Index current = index;
    if (current == null || current.version != accounts.version()) {
      current = build();
      index = current;
    }
    return current;
  }

  private Index build() {
    accounts.prepare(accountNames());
    // Read before the names are: a change in between makes the next call build again.
    long version = accounts.version();
    Map<Long, List<Registration>> byUid = new HashMap<>();
    List<Registration> open = new ArrayList<>();
    for (Registration registration : ofFiles) {
      Optional<Set<Long>> users = users(registration);
      if (users.isEmpty()) {
        open.add(registration);
      } else {
        users
            .get()
            .forEach(u -> byUid.computeIfAbsent(u, _ -> new ArrayList<>(1)).add(registration));
      }
    }
    byUid.replaceAll((uid, list) -> List.copyOf(list));
    return new Index(version, Map.copyOf(byUid), List.copyOf(open), Places.of(open));
  }

  /** The only users that can match; empty if the selectors don't say, or that isn't known now. */
  private Optional<Set<Long>> users(Registration registration) {
    Optional<Set<Long>> always = users(registration.selectors());
    if (always.isPresent() || registration.any().isEmpty()) {
      return always;
    }
    Set<Long> all = new HashSet<>();
    for (List<Selector> alternative : registration.any()) {
      Optional<Set<Long>> users = users(alternative);
      if (users.isEmpty()) {
        return users;
      }
      all.addAll(users.get());
    }
    return Optional.of(all);
  }

  private Optional<Set<Long>> users(List<Selector> selectors) {
    Set<Long> uids = new HashSet<>();
    boolean nobody = false;
    for (Selector selector : selectors) {
      Resolution user = user(selector);
      nobody |= user instanceof Resolution.Absent;
      if (user instanceof Resolution.Id(long id)) {
        uids.add(id);
      }
    }
    if (nobody || uids.size() > 1) {
      return Optional.of(Set.of());
    }
    return uids.isEmpty() ? Optional.empty() : Optional.of(uids);
  }

  private Resolution user(Selector selector) {
    return switch (selector) {
      case Selector.Uid u -> new Resolution.Id(u.uid());
      case Selector.User u -> accounts.peek(new Accounts.Name(AccountNames.Kind.USER, u.user()));
      default -> new Resolution.Unknown("says nothing of users");
    };
  }
}
