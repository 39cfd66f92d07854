package dev.vouchsafe.keys;

import dev.vouchsafe.keys.OctetReader.MalformedException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** PCRs with the values that a key is bound to. */
final class TpmPcrs {
  private final PcrSelection selection;
  private final byte[] values;

  /**
   * @param selection which
   * @param values their values one after the other, in the order of the selection
   * @throws IllegalArgumentException if there are not as many
   */
  TpmPcrs(PcrSelection selection, byte[] values) {
    if (values.length != selection.indices().size() * size(selection)) {
      throw new IllegalArgumentException("as many values as registers");
    }
    this.selection = selection;
    this.values = values.clone();
  }

  PcrSelection selection() {
    return selection;
  }

  byte[] values() {
    return values.clone();
  }

  /** Octets of one value. */
  private static int size(PcrSelection selection) {
    return switch (selection.bank()) {
      case "sha1" -> 20;
      case "sha256" -> 32;
      case "sha384" -> 48;
      case "sha512" -> 64;
      default -> throw new IllegalArgumentException("there is no bank " + selection.bank());
    };
  }

  static TpmPcrs of(byte[] selection, byte[] values) throws MalformedException {
    try {
      String text = new String(selection, StandardCharsets.US_ASCII);
      TpmPcrs pcrs = new TpmPcrs(PcrSelection.parse(text), values);
      if (!pcrs.selection.toString().equals(text)) {
        throw new MalformedException("its PCRs are not written as we write them");
      }
      return pcrs;
    } catch (IllegalArgumentException e) {
      throw new MalformedException("its PCRs are malformed");
    }
  }

  /** Those that nothing was measured into, such as {@code sha256:7}: all zeros, or all ones. */
  List<String> empty() {
    int size = size(selection);
    List<String> empty = new ArrayList<>();
    for (int i = 0; i < selection.indices().size(); i++) {
      byte first = values[i * size];
      byte[] same = new byte[size];
      Arrays.fill(same, first);
      if ((first == 0 || first == (byte) 0xff)
          && Arrays.equals(values, i * size, (i + 1) * size, same, 0, size)) {
        empty.add(selection.bank() + ":" + selection.indices().get(i));
      }
    }
    return empty;
  }

  /** Those that are other than these, such as {@code sha256:7}. */
  List<String> changed(byte[] now) {
    int size = size(selection);
    List<String> changed = new ArrayList<>();
    for (int i = 0; i < selection.indices().size(); i++) {
      if (now.length < (i + 1) * size
          || !Arrays.equals(values, i * size, (i + 1) * size, now, i * size, (i + 1) * size)) {
        changed.add(selection.bank() + ":" + selection.indices().get(i));
      }
    }
    return changed;
  }
}
