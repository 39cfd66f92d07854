package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.ca.AuthorityInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Where each authority stands, and which key store its key is in: how bad it is that a store or a
 * key does not work.
 *
 * @param known every authority; empty if that can't be read, and then each counts as needed
 */
record AuthorityStandings(Optional<List<Standing>> known) {
  /**
   * One authority, in the words of {@code /authorities}.
   *
   * @param id such as {@code device-1}
   * @param role such as {@code device}
   * @param state such as {@code active}
   * @param keyStore name of its key store
   */
  record Standing(String id, String role, String state, String keyStore) {
    /** Whether it is the one that issues: without its key no certificate is issued. */
    boolean issues() {
      return role.equals("device") && state.equals("active");
    }
  }

  /** Where nothing can be read. */
  static AuthorityStandings unknown() {
    return new AuthorityStandings(Optional.empty());
  }

  static AuthorityStandings of(List<AuthorityInfo> authorities) {
    return new AuthorityStandings(
        Optional.of(
            authorities.stream()
                .map(authority ->
                    new Standing(
                        authority.id(),
                        authority.role().name().toLowerCase(Locale.ROOT),
                        authority.state().name().toLowerCase(Locale.ROOT),
                        authority.keyStore()))
                .toList()));
  }

  /** As the service answers it. */
  static AuthorityStandings of(JsonNode authorities) {
    List<Standing> known = new ArrayList<>();
    for (JsonNode item : authorities.path("items")) {
      known.add(
          new Standing(
              item.path("id").asText(),
              item.path("role").asText(),
              item.path("state").asText(),
              item.path("keyStore").asText()));
    }
    return new AuthorityStandings(Optional.of(List.copyOf(known)));
  }

  /** Whether nothing is issued without that authority's key. */
  boolean isNeeded(String id) {
    return known.isEmpty()
        || known.get().stream().anyMatch(each -> each.id().equals(id) && each.issues());
  }

  /** Where that authority stands; nothing if that isn't known. */
  String state(String id) {
    return known.orElse(List.of()).stream()
        .filter(each -> each.id().equals(id))
        .map(Standing::state)
        .findFirst()
        .orElse("");
  }

  /** Why nothing stops without that store; empty if the device CA is in it, or may be. */
  Optional<String> dispensable(KeyStoreName store) {
    if (known.isEmpty()) {
      return Optional.empty();
    }
    List<Standing> inIt =
        known.get().stream()
            .filter(each -> each.keyStore().equals(store.text()) && !each.state().equals("retired"))
            .toList();
    if (inIt.stream().anyMatch(Standing::issues)) {
      return Optional.empty();
    }
    return Optional.of(
        inIt.isEmpty()
            ? "no authority is in it"
            : "in it: "
                + inIt.stream()
                    .map(each -> each.id() + " (" + each.state() + ")")
                    .collect(Collectors.joining(", "))
                + "; the device CA does not need it");
  }
}
