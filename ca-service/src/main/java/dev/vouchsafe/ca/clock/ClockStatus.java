package dev.vouchsafe.ca.clock;

import java.time.Instant;
import java.util.Optional;

/**
 * How the time stands.
 *
 * @param now the time that the service goes by
 * @param machine what the machine's clock shows
 * @param floor the latest moment that is known to have passed
 * @param built when this program was built
 * @param verdict on the machine's clock
 * @param untrusted what is done while it isn't trusted
 * @param synchronised what the kernel says of it
 * @param certain as {@link TrustedClock#isCertain}
 * @param jumps how often it jumped since the start
 * @param last what changed last since the start
 * @param fault why the floor can't be read or written, if it can't
 */
public record ClockStatus(
    Instant now,
    Instant machine,
    Instant floor,
    Instant built,
    ClockVerdict verdict,
    ClockSettings.Untrusted untrusted,
    Synchronised synchronised,
    boolean certain,
    long jumps,
    Optional<ClockChange> last,
    Optional<String> fault) {}
