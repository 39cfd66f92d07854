package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Which entries of the ledger are wanted: those for which all holds that is given.
 *
 * @param module of that registration
 * @param serial the serial number begins so: lower-case hex
 * @param issued the serial number was made then, as the clock said
 * @param ends the certificate ends then
 * @param state it came so far
 * @param authority id of the authority that signs, such as {@code device-1}
 * @param profile of that profile
 * @param revoked only what is revoked, itself or with its authority; such an entry came as far as
 *     its state says, and never goes to the archive after
 */
public record LedgerFilter(
    Optional<String> module,
    Optional<String> serial,
    Window issued,
    Window ends,
    Optional<LedgerEntry.State> state,
    Optional<String> authority,
    Optional<String> profile,
    boolean revoked) {
  /** Takes every entry. */
  public static final LedgerFilter ALL = ofModule(Optional.empty());

  private static final Pattern SERIAL = Pattern.compile("[0-9a-f]{1,32}");
  private static final Pattern AUTHORITY = Pattern.compile("[a-z]+-[0-9]{1,9}");

  /** Those, be they revoked or not. */
  public LedgerFilter(
      Optional<String> module,
      Optional<String> serial,
      Window issued,
      Window ends,
      Optional<LedgerEntry.State> state,
      Optional<String> authority,
      Optional<String> profile) {
    this(module, serial, issued, ends, state, authority, profile, false);
  }

  /**
   * A span of time.
   *
   * @param from not before then
   * @param to before then
   */
  public record Window(Optional<Instant> from, Optional<Instant> to) {
    /** All of time. */
    public static final Window ALWAYS = new Window(Optional.empty(), Optional.empty());

    boolean isAlways() {
      return from.isEmpty() && to.isEmpty();
    }

    private boolean takes(Instant time) {
      return from.map(begin -> !time.isBefore(begin)).orElse(true)
          && to.map(time::isBefore).orElse(true);
    }
  }

  /** Those of one registration, or all. */
  static LedgerFilter ofModule(Optional<String> module) {
    return new LedgerFilter(
        module,
        Optional.empty(),
        Window.ALWAYS,
        Window.ALWAYS,
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  /**
   * @throws IssuanceException {@link Reason#REQUEST_INVALID} if part of it can't be of any entry
   */
  void require() throws IssuanceException {
    require("serial", serial, SERIAL, "is not the beginning of a serial number in lower-case hex");
    require("authority", authority, AUTHORITY, "is not a name such as device-1");
  }

  private static void require(String name, Optional<String> text, Pattern pattern, String wrong)
      throws IssuanceException {
    if (text.isPresent() && !pattern.matcher(text.get()).matches()) {
      throw new IssuanceException(Reason.REQUEST_INVALID, name + ": " + wrong);
    }
  }

  /** Whether it takes that entry of the archive. */
  boolean takes(LedgerEntry entry) {
    return !revoked
        && is(module, entry.module()::equals)
        && is(serial, entry.serial()::startsWith)
        && is(state, entry.state()::equals)
        && is(authority, entry.authority()::equals)
        && is(profile, entry.profile()::equals)
        && ends.takes(entry.notAfter())
        && (issued.isAlways()
            || Octets.unhex(entry.serial())
                .map(octets -> issued.takes(Serials.timeOf(octets)))
                .orElse(false));
  }

  private static <T> boolean is(Optional<T> wanted, Predicate<T> test) {
    return wanted.map(test::test).orElse(true);
  }
}
