package dev.vouchsafe.api;

import dev.vouchsafe.trust.BundleFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Which media type a request has, and which it would like (RFC 9110 section 12.5.1). */
final class MediaTypes {
  private MediaTypes() {}

  /** Whether a body may be read as JSON: SDKs leave the type out, or add a charset. */
  static boolean isJson(@Nullable String contentType) {
    return contentType == null || bare(contentType).equals("application/json");
  }

  /**
   * The encoding of the trust bundle that the caller likes best; PEM if it has no wish.
   *
   * @return empty if it takes none of ours
   */
  static Optional<BundleFormat> choose(List<String> accept) {
    if (accept.isEmpty()) {
      return Optional.of(BundleFormat.PEM);
    }
    BundleFormat best = BundleFormat.PEM;
    double highest = 0;
    for (BundleFormat format : BundleFormat.values()) {
      double quality = quality(accept, format.mediaType());
      if (quality > highest) {
        highest = quality;
        best = format;
      }
    }
    return highest > 0 ? Optional.of(best) : Optional.empty();
  }

  /** The weight of the most specific range that covers the type. */
  private static double quality(List<String> accept, String type) {
    String anyOfKind = type.substring(0, type.indexOf('/')) + "/*";
    int closest = 0;
    double quality = 0;
    for (String line : accept) {
      for (String range : line.split(",", -1)) {
        String name = bare(range);
        int closeness =
            name.equals(type) ? 3 : name.equals(anyOfKind) ? 2 : name.equals("*/*") ? 1 : 0;
        if (closeness > closest) {
          closest = closeness;
          quality = weight(range);
        }
      }
    }
    return quality;
  }

  private static double weight(String range) {
    for (String part : range.split(";", -1)) {
      String parameter = part.strip().toLowerCase(Locale.ROOT);
      // A weight has at most three digits after the point, so nothing here is costly to read.
      if (parameter.matches("q=[01](\\.[0-9]{0,3})?")) {
        return Double.parseDouble(parameter.substring(2));
      }
    }
    return 1;
  }

  private static String bare(String mediaType) {
    int end = mediaType.indexOf(';');
    String type = end < 0 ? mediaType : mediaType.substring(0, end);
    return type.strip().toLowerCase(Locale.ROOT);
  }
}
