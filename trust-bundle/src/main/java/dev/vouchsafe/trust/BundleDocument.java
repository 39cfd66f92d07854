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
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * The text of the bundle's file: a JSON object with {@code version} (1), {@code sequence}, {@code
 * roots} and {@code extra} (arrays of DER in base64) and {@code sha256}, a check on the rest that
 * notices damage. It is no signature: who may write the file may write the check.
 *
 * @param sequence from 1
 * @param anchors whom to trust
 */
record BundleDocument(long sequence, Anchors anchors) {
  static final int VERSION = 1;

  /** What is written and read at most, in octets. */
  static final int LARGEST = 1 << 20;

  private static final Set<String> FIELDS =
      Set.of("version", "sequence", "roots", "extra", "sha256");
  private static final int DEEPEST = 2;

  byte[] encoded() throws IOException {
    JsonMapper mapper = mapper();
    ObjectNode document = mapper.createObjectNode();
    document.put("version", VERSION);
    document.put("sequence", sequence);
    write(document.putArray("roots"), anchors.roots());
    write(document.putArray("extra"), anchors.extra());
    document.put("sha256", check());
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
    requireFields(document);
    JsonNode sequence = document.path("sequence");
    if (!sequence.isIntegralNumber() || !sequence.canConvertToLong() || sequence.asLong() < 1) {
      throw new IOException("its sequence is not a whole number from 1");
    }
    List<X509Certificate> roots = read(document.path("roots"), "roots");
    List<X509Certificate> extra = read(document.path("extra"), "extra");
    BundleDocument read = new BundleDocument(sequence.asLong(), checked(roots, extra));
    if (!document.path("sha256").isTextual()
        || !document.path("sha256").asText().equals(read.check())) {
      throw new IOException("its check does not fit its content");
    }
    return read;
  }

  private static JsonNode tree(byte[] text) throws IOException {
    try {
      return mapper().readTree(text);
    } catch (JsonProcessingException e) {
      throw new IOException("it is not the JSON of a trust bundle: " + e.getOriginalMessage(), e);
    }
  }

  private static void requireFields(JsonNode document) throws IOException {
    if (!document.isObject()) {
      throw new IOException("it is not a JSON object");
    }
    JsonNode version = document.path("version");
    if (!version.isInt() || version.asInt() != VERSION) {
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
  }

  private static Anchors checked(List<X509Certificate> roots, List<X509Certificate> extra)
      throws IOException {
    try {
      Anchors anchors = Anchors.of(roots, extra);
      if (anchors.roots().size() != roots.size() || anchors.extra().size() != extra.size()) {
        throw new IOException("it has a certificate twice");
      }
      return anchors;
    } catch (IllegalArgumentException e) {
      throw new IOException("it has a certificate that does not belong there", e);
    }
  }

  private static void write(ArrayNode array, List<X509Certificate> certificates)
      throws IOException {
    for (X509Certificate certificate : certificates) {
      try {
        array.add(Base64.getEncoder().encodeToString(certificate.getEncoded()));
      } catch (CertificateEncodingException e) {
        throw new IOException(certificate.getSubjectX500Principal() + " has no encoding", e);
      }
    }
  }

  private static List<X509Certificate> read(JsonNode array, String name) throws IOException {
    if (!array.isArray()) {
      throw new IOException("its " + name + " are not an array");
    }
    List<X509Certificate> certificates = new ArrayList<>();
    for (JsonNode each : array) {
      if (!each.isTextual()) {
        throw new IOException("one of its " + name + " is not text");
      }
      try {
        certificates.add(Anchors.parse(Base64.getDecoder().decode(each.asText())));
      } catch (CertificateException | IllegalArgumentException e) {
        throw new IOException("one of its " + name + " is not a certificate in base64", e);
      }
    }
    return certificates;
  }

  private String check() throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update("vouchsafe trust bundle 1".getBytes(StandardCharsets.US_ASCII));
      digest.update(ByteBuffer.allocate(Long.BYTES).putLong(sequence).array());
      for (List<X509Certificate> list : List.of(anchors.roots(), anchors.extra())) {
        digest.update(integer(list.size()));
        for (X509Certificate certificate : list) {
          byte[] der = certificate.getEncoded();
          digest.update(integer(der.length));
          digest.update(der);
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime has no SHA-256", e);
    } catch (CertificateEncodingException e) {
      throw new IOException("a certificate has no encoding", e);
    }
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
