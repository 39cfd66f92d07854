package dev.vouchsafe.api;

import com.fasterxml.jackson.core.io.SerializedString;
import dev.vouchsafe.trust.BundleFormat;
import dev.vouchsafe.trust.TrustBundles;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The trust bundle as it stands inside JSON, escaped once for each version. */
final class BundleTexts {
  private final TrustBundles bundles;
  private volatile @Nullable Text last;

  BundleTexts(TrustBundles bundles) {
    this.bundles = bundles;
  }

  /** The current bundle's PEM as a JSON string. */
  SerializedString pem() {
    // Read first: text that is newer than its number is only escaped once more.
    long sequence = bundles.current().sequence();
    Text text = last;
    if (text == null || text.sequence != sequence) {
      String pem = new String(bundles.encoded(BundleFormat.PEM), StandardCharsets.US_ASCII);
      text = new Text(sequence, new SerializedString(pem));
      last = text;
    }
    return text.pem;
  }

  private record Text(long sequence, SerializedString pem) {}
}
