package dev.vouchsafe.trust;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The text of the bundle's file: a JSON object with {@code version} (2), {@code sequence}, {@code
 * roots} and {@code extra} (arrays of objects with {@code certificate}, DER in base64, and what is
 * known of it) and {@code sha256}, a check on the rest that notices damage. It is no signature: who
 * may write the file may write the check. A file of version 1, whose arrays hold the base64 only,
 * is read as well.
 *
 * @param sequence from 1
 * @param content whom to trust
 */
record BundleDocument(long sequence, BundleContent content) {
  static final int VERSION = 2;
  private static final int BARE_VERSION = 1;

  /** What is written and read at most, in octets. */
  static final int LARGEST = 1 << 20;

  private static final Set<String> FIELDS =
      Set.of("version", "sequence", "roots", "extra", "sha256");
  private static final String CERTIFICATE = "certificate";
  private static final String ACTIVATES = "activates";
  private static final String BY = "by";
  private static final String AT = "at";
  private static final int DEEPEST = 3;

  byte[] encoded() throws IOException {
    JsonMapper mapper = mapper();
    ObjectNode document = mapper.createObjectNode();
    document.put("version", VERSION);
    document.put("sequence", sequence);
    ArrayNode roots = document.putArray("roots");
    for (BundleContent.Root root : content.roots()) {
      ObjectNode object = roots.addObject().put(CERTIFICATE, base64(root.certificate()));
      root.activates().ifPresent(time -> object.put(ACTIVATES, time.toString()));
    }
    ArrayNode extra = document.putArray("extra");
    for (BundleContent.Added ca : content.added()) {
      extra
          .addObject()
          .put(CERTIFICATE, base64(ca.certificate()))
          .put(BY, ca.by())
          .put(AT, ca.at().toString());
    }
    document.put("sha256", check(VERSION));
    byte[] text = mapper.writeValueAsBytes(document);
    if (text.length > LARGEST) {
      throw new IOException("a trust bundle of more than " + LARGEST + " octets is not stored");
    }
    return text;
  }

  /**
   * @throws IOException if it is not exactly what {@link #encoded} makes of some bundle
   */
  static BundleDocument parse(byte[] text) throws IOException {
    if (text.length > LARGEST) {
      throw new IOException("it is larger than " + LARGEST + " octets");
    }
    JsonNode document = tree(text);
    int version = requireFields(document);
    JsonNode sequence = document.path("sequence");
    if (!sequence.isIntegralNumber() || !sequence.canConvertToLong() || sequence.asLong() < 1) {
      throw new IOException("its sequence is not a whole number from 1");
    }
    List<BundleContent.Root> roots = new ArrayList<>();
    for (JsonNode each : array(document, "roots")) {
      roots.add(version == BARE_VERSION ? new BundleContent.Root(certificate(each)) : root(each));
    }
    List<BundleContent.Added> added = new ArrayList<>();
    for (JsonNode each : array(document, "extra")) {
      added.add(
          version == BARE_VERSION
              ? new BundleContent.Added(certificate(each), "", Instant.EPOCH)
              : added(each));
    }
    BundleDocument read =
        new BundleDocument(sequence.asLong(), checked(new BundleContent(roots, added)));
    if (!document.path("sha256").isTextual()
        || !document.path("sha256").asText().equals(read.check(version))) {
      throw new IOException("its check does not fit its content");
    }
    return read;
  }

  private static BundleContent.Root root(JsonNode object) throws IOException {
    boolean announced = object.has(ACTIVATES);
    requireMembers(object, announced ? Set.of(CERTIFICATE, ACTIVATES) : Set.of(CERTIFICATE));
    return new BundleContent.Root(
        certificate(object.path(CERTIFICATE)),
        announced ? Optional.of(time(object.path(ACTIVATES))) : Optional.empty());
  }

  private static BundleContent.Added added(JsonNode object) throws IOException {
    requireMembers(object, Set.of(CERTIFICATE, BY, AT));
    try {
      return new BundleContent.Added(
          certificate(object.path(CERTIFICATE)), text(object.path(BY)), time(object.path(AT)));
    } catch (IllegalArgumentException e) {
      throw new IOException("one of its extra CAs was added by nobody that can be named", e);
    }
  }

  private static void requireMembers(JsonNode object, Set<String> members) throws IOException {
    Set<String> names = new TreeSet<>();
    object.fieldNames().forEachRemaining(names::add);
    if (!object.isObject() || !names.equals(members)) {
      throw new IOException("the fields of one of its certificates are not " + members);
    }
  }

  private static Instant time(JsonNode node) throws IOException {
    try {
      return Instant.parse(text(node));
    } catch (DateTimeParseException e) {
      throw new IOException("one of its times is none", e);
    }
  }

  private static String text(JsonNode node) throws IOException {
    if (!node.isTextual()) {
      throw new IOException("one of its texts is none");
    }
    return node.asText();
  }

  private static JsonNode tree(byte[] text) throws IOException {
    try {
      return mapper().readTree(text);
    } catch (JsonProcessingException e) {
      throw new IOException("it is not the JSON of a trust bundle: " + e.getOriginalMessage(), e);
    }
  }

  private static int requireFields(JsonNode document) throws IOException {
    if (!document.isObject()) {
      throw new IOException("it is not a JSON object");
    }
    JsonNode version = document.path("version");
    if (!version.isInt() || version.asInt() < BARE_VERSION || version.asInt() > VERSION) {
      throw new IOException(
          "its format version is " + version + ", and this program knows " + VERSION);
    }
    Set<String> names = new TreeSet<>();
    for (Iterator<String> each = document.fieldNames(); each.hasNext(); ) {
      names.add(each.next());
    }
    if (!names.equals(FIELDS)) {
      throw new IOException("its fields are not " + new TreeSet<>(FIELDS));
    }
    return version.asInt();
  }

  private static BundleContent checked(BundleContent read) throws IOException {
    try {
      BundleContent content = read.checked();
      if (content.roots().size() != read.roots().size()
          || content.added().size() != read.added().size()) {
        throw new IOException("it has a certificate twice");
      }
      return content;
    } catch (IllegalArgumentException e) {
      throw new IOException("it has a certificate that does not belong there", e);
    }
  }

  private static String base64(X509Certificate certificate) throws IOException {
    return Base64.getEncoder().encodeToString(der(certificate));
  }

  private static byte[] der(X509Certificate certificate) throws IOException {
    try {
      return certificate.getEncoded();
    } catch (CertificateEncodingException e) {
      throw new IOException(certificate.getSubjectX500Principal() + " has no encoding", e);
    }
  }

  private static JsonNode array(JsonNode document, String name) throws IOException {
    JsonNode array = document.path(name);
    if (!array.isArray()) {
      throw new IOException("its " + name + " are not an array");
    }
    return array;
  }

  private static X509Certificate certificate(JsonNode node) throws IOException {
    try {
      return BundleContent.parse(Base64.getDecoder().decode(text(node)));
    } catch (CertificateException | IllegalArgumentException e) {
      throw new IOException("one of its certificates is not one in base64", e);
    }
  }

  private String check(int version) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(("vouchsafe trust bundle " + version).getBytes(StandardCharsets.US_ASCII));
      digest.update(ByteBuffer.allocate(Long.BYTES).putLong(sequence).array());
      boolean bare = version == BARE_VERSION;
      digest.update(integer(content.roots().size()));
      for (BundleContent.Root root : content.roots()) {
        part(digest, der(root.certificate()));
        if (!bare) {
          part(digest, root.activates().map(Instant::toString).orElse(""));
        }
      }
      digest.update(integer(content.added().size()));
      for (BundleContent.Added ca : content.added()) {
        part(digest, der(ca.certificate()));
        if (!bare) {
          part(digest, ca.by());
          part(digest, ca.at().toString());
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime has no SHA-256", e);
    }
  }

  private static void part(MessageDigest digest, String text) {
    part(digest, text.getBytes(StandardCharsets.US_ASCII));
  }

  private static void part(MessageDigest digest, byte[] octets) {
    digest.update(integer(octets.length));
    digest.update(octets);
  }

  private static byte[] integer(int value) {
    return ByteBuffer.allocate(Integer.BYTES).putInt(value).array();
  }

  private static JsonMapper mapper() {
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(DEEPEST)
                    .maxDocumentLength(LARGEST)
                    .maxStringLength(LARGEST)
                    .maxNumberLength(20)
                    .build())
            .build();
    return JsonMapper.builder(factory)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
        .enable(SerializationFeature.INDENT_OUTPUT)
        .build();
  }
}
