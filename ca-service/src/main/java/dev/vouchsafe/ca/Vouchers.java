package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.LedgerReader.StoredCross;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The certificates by which roots of this gateway vouch for each other's keys, and which of them
 * belong into chains at a moment (RFC 9810 section 4.4).
 *
 * @param roots every generation, the newest last
 * @param crosses those that stand, the newest last
 */
record Vouchers(List<StoredAuthority> roots, List<StoredCross> crosses) {
  /** With a leaf, an issuing CA and the device CA these are the 7 of a chain. */
  private static final int MOST = 4;

  /**
   * What ends as soon as that is in no chain any more: whoever got one before has until then to
   * come for another, and nobody has to show one that has ended.
   */
  static final Duration SOON = Duration.ofMinutes(10);

  Vouchers {
    roots = List.copyOf(roots);
    crosses = List.copyOf(crosses);
  }

  /**
   * What goes into every chain behind the device CA where roots of ours follow each other: the
   * active root's key as another root of ours vouches for it, so that who trusts only that one
   * follows. With the old root's NewWithOld that goes on until just before the old root itself
   * ends, also after it has left the bundle, and no longer: many who verify fail at any certificate
   * in a chain that has ended. Else with the new root's OldWithNew as long as that one is published
   * or retiring.
   */
  List<X509Certificate> over(StoredAuthority root, Instant at) {
    List<X509Certificate> vouchers = new ArrayList<>();
    voucherFor(root, at)
        .ifPresent(voucher -> {
          vouchers.add(voucher.certificate());
          StoredAuthority issuer = byRow(voucher.issuer());
          if (issuer.row().state() != State.RETIRED) {
            vouchers.addAll(beyond(issuer, at));
          }
        });
    return vouchers.subList(0, Math.min(MOST, vouchers.size()));
  }

  /**
   * What lets those follow who know neither an old root nor the one after it, but what is over the
   * old root, or was before it. Only while the old root is in the bundle: GnuTLS takes a chain that
   * goes on behind a root that it trusts only if it trusts its end, or who signed its end.
   */
  private List<X509Certificate> beyond(StoredAuthority issuer, Instant at) {
    return issuer.above().isEmpty() ? over(issuer, at) : above(issuer);
  }

  /**
   * Until when those follow who know only what is over a root that retires, or was before it.
   * Nothing if there are none: then who knows the root itself follows also after it has retired.
   */
  Optional<Instant> beyondUntil(StoredAuthority active, StoredAuthority retiring, Instant at) {
    Optional<StoredCross> voucher =
        voucherFor(active, at).filter(it -> it.issuer() == retiring.row().row());
    List<X509Certificate> more = beyond(retiring, at);
    return voucher
        .filter(it -> !more.isEmpty())
        .flatMap(it ->
            Stream.concat(Stream.of(it.certificate()), more.stream())
                .map(each -> each.getNotAfter().toInstant())
                .min(Instant::compareTo));
  }

  /** The certificates between what a root signs and the one that those who verify trust. */
  static List<X509Certificate> above(StoredAuthority root) {
    if (root.above().isEmpty()) {
      return List.of();
    }
    List<X509Certificate> between = new ArrayList<>();
    between.add(root.certificate());
    between.addAll(root.above().subList(0, root.above().size() - 1));
    return between;
  }

  /**
   * An older root's word goes before a newer one's: who knows only the newer one has the trust
   * bundle that it is in, and that has the other as well. Who knows only the older one may have
   * nothing else.
   */
  private Optional<StoredCross> voucherFor(StoredAuthority of, Instant at) {
    return crosses.stream()
        .filter(cross -> cross.subject() == of.row().row())
        .filter(cross -> isValid(cross.certificate(), at))
        .filter(cross -> vouches(byRow(cross.issuer()), of.row()))
        .reduce((first, next) -> isByOlder(first, of) && !isByOlder(next, of) ? first : next);
  }

  private boolean isByOlder(StoredCross cross, StoredAuthority subject) {
    return byRow(cross.issuer()).row().generation() < subject.row().generation();
  }

  private static boolean isValid(X509Certificate certificate, Instant at) {
    return !at.isBefore(certificate.getNotBefore().toInstant())
        && at.isBefore(certificate.getNotAfter().toInstant().minus(SOON));
  }

  private static boolean vouches(StoredAuthority root, AuthorityRow subject) {
    AuthorityRow issuer = root.row();
    return switch (issuer.state()) {
      case PUBLISHED, RETIRING -> true;
      // What only those over it made known, nobody trusts any more once they are not shown.
      case RETIRED -> root.above().isEmpty() && issuer.generation() < subject.generation();
      case PREPARED, ACTIVE -> false;
    };
  }

  private StoredAuthority byRow(long row) {
    return roots.stream().filter(it -> it.row().row() == row).findAny().orElseThrow();
  }

  /** Whether at both moments the same ones are valid. */
  boolean areSame(Instant one, Instant other) {
    return crosses.stream()
        .allMatch(it -> isValid(it.certificate(), one) == isValid(it.certificate(), other));
  }

  /** Whether one that is valid then lets those follow who trust only that issuer. */
  boolean follows(StoredAuthority subject, StoredAuthority issuer, Instant at) {
    return crosses.stream()
        .anyMatch(it ->
            it.subject() == subject.row().row()
                && it.issuer() == issuer.row().row()
                && isValid(it.certificate(), at));
  }

  boolean has(byte[] serial) {
    return crosses.stream().anyMatch(cross -> has(cross, serial));
  }

  private static boolean has(StoredCross cross, byte[] serial) {
    return Arrays.equals(serial, cross.certificate().getSerialNumber().toByteArray());
  }

  /** The same without those of these serial numbers. */
  Vouchers without(List<byte[]> serials) {
    return new Vouchers(
        roots,
        crosses.stream()
            .filter(cross -> serials.stream().noneMatch(it -> has(cross, it)))
            .toList());
  }

  /** The same with roots in other states. */
  Vouchers among(Stream<StoredAuthority> next) {
    return new Vouchers(next.toList(), crosses);
  }
}
