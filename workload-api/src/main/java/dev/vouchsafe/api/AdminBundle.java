package dev.vouchsafe.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.vouchsafe.attestation.RegistrationSet;
import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.trust.BundleAdditions;
import dev.vouchsafe.trust.BundleContent;
import dev.vouchsafe.trust.BundleFormat;
import dev.vouchsafe.trust.BundleReaders;
import dev.vouchsafe.trust.CaFile;
import dev.vouchsafe.trust.CaRefusedException;
import dev.vouchsafe.trust.TrustBundle;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;

/**
 * The trust bundle as administrators see and change it: the CAs of other servers that modules are
 * to trust, and who has read which version. One change after the other; each is on record, on the
 * disk, before it is done.
 */
final class AdminBundle {
  private static final QuietLog LOG = new QuietLog(AdminBundle.class);
  private static final String ADD = "add-to-bundle";
  private static final String REMOVE = "remove-from-bundle";

  private final ApiParts parts;
  private final AuditTrail trail;
  private final Lock changing = new ReentrantLock();

  AdminBundle(ApiParts parts, AuditTrail trail) {
    this.parts = parts;
    this.trail = trail;
  }

  /** A change that its rules may refuse. */
  private interface Change {
    BundleContent of(BundleContent content) throws CaRefusedException;
  }

  Response show() {
    TrustBundle bundle = parts.bundles().current();
    String tag = parts.bundles().entityTag(BundleFormat.PEM);
    byte[] pem = parts.bundles().encoded(BundleFormat.PEM);
    RegistrationSet registered = parts.registrations().current();
    List<BundleReaders.Reader> readers =
        parts.readers().readers().stream()
            .filter(reader -> registered.byName(reader.name()).isPresent())
            .toList();
    return answer(
        Status.OK,
        json -> {
          json.writeNumberField("sequence", bundle.sequence());
          json.writeStringField("etag", tag);
          json.writeNumberField("refreshSeconds", bundle.refreshHint().toSeconds());
          certificates(json, bundle.content());
          readers(json, readers, bundle.sequence());
          json.writeStringField("pem", new String(pem, StandardCharsets.US_ASCII));
        });
  }

  /**
   * Adds the CAs of a PEM text, all of them or none.
   *
   * @param uid the user id of whoever asks
   */
  Response add(Request request, long uid) throws Failure {
    String pem = BundleBody.certificates(V1Api.json(request));
    List<X509Certificate> own =
        parts.authority().authorities().stream().map(AuthorityInfo::certificate).toList();
    List<X509Certificate> cas;
    try {
      cas = CaFile.read(pem.getBytes(StandardCharsets.UTF_8));
    } catch (CaRefusedException e) {
      throw refused(uid, ADD, "", e);
    }
    String object =
        cas.stream()
            .map(ca -> BundleAdditions.id(ca) + " " + AdminViews.subject(ca))
            .collect(Collectors.joining("; "));
    changing.lock();
    try {
      Change change =
          content -> {
            CaFile.requireValid(cas, parts.clock().instant());
            return BundleAdditions.add(content, cas, own, "uid " + uid, parts.clock().instant());
          };
      return changed(Status.CREATED, change, uid, ADD, object);
    } finally {
      changing.unlock();
    }
  }

  /**
   * Takes one added CA out again.
   *
   * @param uid the user id of whoever asks
   */
  Response remove(Request request, long uid) throws Failure {
    String id = BundleBody.id(V1Api.json(request));
    changing.lock();
    try {
      BundleContent.Added ca = BundleAdditions.find(parts.bundles().current().content(), id);
      String object =
          BundleAdditions.id(ca.certificate()) + " " + AdminViews.subject(ca.certificate());
      Change change = content -> BundleAdditions.remove(content, ca);
      return changed(Status.OK, change, uid, REMOVE, object);
    } catch (CaRefusedException e) {
      throw refused(uid, REMOVE, id, e);
    } finally {
      changing.unlock();
    }
  }

  private Response changed(Status status, Change change, long uid, String action, String object)
      throws Failure {
    try {
      // Refused before it is on record as done; roots may change meanwhile, so it is made anew.
      BundleContent _ = change.of(parts.bundles().current().content());
      trail.requireAct(uid, action, object);
      TrustBundle bundle = parts.bundles().change(content -> unrefused(change, content));
      LOG.info(action + ", asked by uid " + uid + ": " + object);
      return answer(
          status,
          json -> {
            json.writeNumberField("sequence", bundle.sequence());
            certificates(json, bundle.content());
          });
    } catch (CaRefusedException e) {
      throw refused(uid, action, object, e);
    } catch (MadeUndone e) {
      throw refused(uid, action, object, e.refusal);
    } catch (IOException e) {
      trail.act(uid, action, object, Problem.BUNDLE_NOT_KEPT.code());
      LOG.warning("the trust bundle can't be written: " + e.getMessage());
      throw Failure.of(
          Problem.BUNDLE_NOT_KEPT, "the trust bundle can't be written; nothing was changed");
    }
  }

  private static BundleContent unrefused(Change change, BundleContent content) {
    try {
      return change.of(content);
    } catch (CaRefusedException e) {
      throw new MadeUndone(e);
    }
  }

  /** Carries a refusal through a change. */
  private static final class MadeUndone extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final transient CaRefusedException refusal;

    MadeUndone(CaRefusedException refusal) {
      super(refusal);
      this.refusal = refusal;
    }
  }

  private Failure refused(long uid, String action, String object, CaRefusedException e) {
    Problem problem = problem(e.reason());
    // What it says of the object is the caller's own text, which may be long.
    String shown = QuietLog.harmless(object.length() > 200 ? object.substring(0, 200) : object);
    trail.act(uid, action, shown, problem.code());
    LOG.info(action + ", asked by uid " + uid + ", refused: " + problem.code());
    return Failure.of(problem, String.valueOf(e.getMessage()));
  }

  private static Problem problem(CaRefusedException.Reason reason) {
    return switch (reason) {
      case FILE -> Problem.BUNDLE_FILE;
      case PRIVATE_KEY -> Problem.BUNDLE_PRIVATE_KEY;
      case NOT_A_CA -> Problem.BUNDLE_NOT_A_CA;
      case WEAK_KEY -> Problem.BUNDLE_WEAK_KEY;
      case NOT_VALID -> Problem.BUNDLE_NOT_VALID;
      case DUPLICATE -> Problem.BUNDLE_DUPLICATE;
      case OWN -> Problem.BUNDLE_OWN;
      case FULL -> Problem.BUNDLE_FULL;
      case UNKNOWN -> Problem.BUNDLE_UNKNOWN;
      case AMBIGUOUS -> Problem.BUNDLE_AMBIGUOUS;
      case CONFIGURED -> Problem.BUNDLE_CONFIGURED;
    };
  }

  private static void certificates(JsonGenerator json, BundleContent content) throws IOException {
    json.writeArrayFieldStart("roots");
    for (BundleContent.Root root : content.roots()) {
      json.writeStartObject();
      certificate(json, root.certificate());
      if (root.activates().isPresent()) {
        json.writeStringField("activates", Times.text(root.activates().get()));
      }
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayFieldStart("extra");
    for (BundleContent.Added ca : content.added()) {
      json.writeStartObject();
      certificate(json, ca.certificate());
      if (!ca.by().isEmpty()) {
        json.writeStringField("addedBy", ca.by());
        json.writeStringField("addedAt", Times.text(ca.at()));
      }
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void certificate(JsonGenerator json, X509Certificate certificate)
      throws IOException {
    json.writeStringField("subject", AdminViews.subject(certificate));
    json.writeStringField("notAfter", Times.text(certificate.getNotAfter().toInstant()));
    json.writeStringField("sha256", BundleAdditions.id(certificate));
  }

  private static void readers(JsonGenerator json, List<BundleReaders.Reader> readers, long current)
      throws IOException {
    json.writeArrayFieldStart("readers");
    for (BundleReaders.Reader reader : readers) {
      json.writeStartObject();
      json.writeStringField("module", reader.name());
      json.writeNumberField("sequence", reader.sequence());
      if (reader.fetched().isPresent()) {
        json.writeStringField("fetched", Times.text(reader.fetched().get()));
      }
      json.writeStringField("heard", Times.text(reader.heard()));
      json.writeBooleanField("behind", reader.sequence() < current);
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static Response answer(Status status, Json.Members members) {
    return Response.of(status, Response.JSON, Json.object(members));
  }
}
