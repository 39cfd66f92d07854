package dev.vouchsafe.keys;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Platform Configuration Registers of one bank (TPM 2.0 Library, part 1, section 17).
 *
 * @param bank the hash algorithm of the bank, such as {@code sha256}
 * @param indices the registers, ascending, each 0 to 23, at least one
 */
public record PcrSelection(String bank, List<Integer> indices) {
  private static final int LAST = 23;

  /** For trying out and for applications: whoever reaches the TPM resets them. */
  private static final Set<Integer> OPEN = Set.of(16, 23);

  private static final Pattern TEXT =
      Pattern.compile("(sha1|sha256|sha384|sha512):([0-9]{1,2}(?:,[0-9]{1,2}){0,23})");

  public PcrSelection {
    indices = indices.stream().sorted().toList();
  }

  /**
   * Reads the notation of tpm2-tools, such as {@code sha256:0,7}.
   *
   * @throws IllegalArgumentException if it is not a bank and a list of registers; the message says
   *     what it should be
   */
  public static PcrSelection parse(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("must be a bank and its registers, such as sha256:0,7");
    }
    List<Integer> indices = new ArrayList<>();
    for (String index : matcher.group(2).split(",", -1)) {
      int number = Integer.parseInt(index);
      if (number > LAST || indices.contains(number)) {
        throw new IllegalArgumentException("names each register once, 0 to " + LAST);
      }
      if (OPEN.contains(number)) {
        throw new IllegalArgumentException(
            "names register " + number + ", which any program resets: it protects nothing");
      }
      indices.add(number);
    }
    return new PcrSelection(matcher.group(1), indices);
  }

  /** The notation of tpm2-tools. */
  @Override
  public String toString() {
    return bank + ":" + String.join(",", indices.stream().map(String::valueOf).toList());
  }
}
