package dev.vouchsafe.trust;

import dev.vouchsafe.trust.CaRefusedException.Reason;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** The rules by which CAs of other servers come into the trust bundle and go out of it. */
public final class BundleAdditions {
  /** The most that are there at one time: every answer with a certificate carries them all. */
  public static final int MOST = 100;

  private static final int SHORTEST_ID = 8;
  private static final Pattern ID = Pattern.compile("[0-9a-f]{" + SHORTEST_ID + ",64}");

  private BundleAdditions() {}

  /**
   * The content with these added.
   *
   * @param own the certificates of this gateway's authorities, whichever state they are in
   * @param by who adds them
   * @throws CaRefusedException if one of them is there already, has the key of an authority of
   *     ours, or finds no room
   */
  public static BundleContent add(
      BundleContent content,
      List<X509Certificate> cas,
      Collection<X509Certificate> own,
      String by,
      Instant at)
      throws CaRefusedException {
    List<BundleContent.Added> added = new ArrayList<>(content.added());
    for (X509Certificate ca : cas) {
      requireForeign(ca, content, own);
      if (added.stream().anyMatch(there -> there.certificate().equals(ca))) {
        throw new CaRefusedException(
            Reason.DUPLICATE,
            CaFile.name(ca) + ", " + shortId(ca) + ", is in the bundle already; nothing is to do");
      }
      added.add(new BundleContent.Added(ca, by, at));
    }
    requireRoom(added.size());
    return new BundleContent(content.roots(), added);
  }

  /**
   * Finds the one with that id among those that an administrator may remove.
   *
   * @param id SHA-256 of the DER in hex, or its first characters, at least 8
   * @throws CaRefusedException if there is none, or more than one, if it is a root of ours, or if
   *     it stands in the configuration
   */
  public static BundleContent.Added find(BundleContent content, String id)
      throws CaRefusedException {
    if (!ID.matcher(id).matches()) {
      throw new CaRefusedException(
          Reason.UNKNOWN,
          "an id is "
              + SHORTEST_ID
              + " to 64 lower-case hex digits, as `vouchsafe bundle show`"
              + " shows it");
    }
    Predicate<X509Certificate> fits = certificate -> id(certificate).startsWith(id);
    if (content.roots().stream().map(BundleContent.Root::certificate).anyMatch(fits)) {
      throw new CaRefusedException(
          Reason.OWN, "that is a root of this gateway, which only a rotation takes out");
    }
    List<BundleContent.Added> found =
        content.added().stream().filter(added -> fits.test(added.certificate())).toList();
    if (found.isEmpty()) {
      throw new CaRefusedException(
          Reason.UNKNOWN, "there is no added CA of that id; see `vouchsafe bundle show`");
    }
    if (found.size() > 1) {
      throw new CaRefusedException(
          Reason.AMBIGUOUS, found.size() + " ids begin like that; give more of it");
    }
    if (found.getFirst().isConfigured()) {
      throw new CaRefusedException(
          Reason.CONFIGURED,
          "it stands in a file of [bundle] extra; take it out there and start the service again");
    }
    return found.getFirst();
  }

  /** The content without that one. */
  public static BundleContent remove(BundleContent content, BundleContent.Added ca) {
    return new BundleContent(
        content.roots(), content.added().stream().filter(there -> !there.equals(ca)).toList());
  }

  /**
   * The content with exactly these as those of the configuration; one that an administrator added
   * stays as his.
   *
   * @throws CaRefusedException if one has the key of an authority of ours, or finds no room
   */
  public static BundleContent configure(
      BundleContent content,
      List<X509Certificate> cas,
      Collection<X509Certificate> own,
      Instant now)
      throws CaRefusedException {
    Set<X509Certificate> missing = new LinkedHashSet<>(cas);
    List<BundleContent.Added> added = new ArrayList<>();
    for (BundleContent.Added there : content.added()) {
      boolean named = missing.remove(there.certificate());
      if (named || !there.isConfigured()) {
        added.add(there);
      }
    }
    for (X509Certificate ca : missing) {
      requireForeign(ca, content, own);
      added.add(new BundleContent.Added(ca, BundleContent.Added.CONFIGURATION, now));
    }
    requireRoom(added.size());
    return new BundleContent(content.roots(), added);
  }

  /** SHA-256 of the DER, lower-case hex. */
  public static String id(X509Certificate certificate) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(sha256.digest(certificate.getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a certificate that was read has a fingerprint", e);
    }
  }

  private static String shortId(X509Certificate certificate) {
    return id(certificate).substring(0, 2 * SHORTEST_ID);
  }

  /**
   * Whether it has the key of an authority of ours. By the key: ours under another name, or signed
   * by another, would be trusted past its end.
   *
   * @param own the certificates of this gateway's authorities, whichever state they are in
   */
  public static boolean isOwn(
      X509Certificate ca, BundleContent content, Collection<X509Certificate> own) {
    PublicKey key = ca.getPublicKey();
    return content.roots().stream().anyMatch(root -> root.certificate().getPublicKey().equals(key))
        || own.stream().anyMatch(ours -> ours.getPublicKey().equals(key));
  }

  private static void requireForeign(
      X509Certificate ca, BundleContent content, Collection<X509Certificate> own)
      throws CaRefusedException {
    if (isOwn(ca, content, own)) {
      throw new CaRefusedException(
          Reason.OWN,
          CaFile.name(ca) + " has the key of an authority of this gateway; leave it out");
    }
  }

  private static void requireRoom(int count) throws CaRefusedException {
    if (count > MOST) {
      throw new CaRefusedException(
          Reason.FULL,
          "there would be "
              + count
              + " added CAs and at most "
              + MOST
              + " may be; remove some with `vouchsafe bundle remove ID`");
    }
  }
}
