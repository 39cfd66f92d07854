package dev.vouchsafe.ca;

import java.util.OptionalLong;

/**
 * How the ledger stands.
 *
 * @param octets what its files hold, without the room in them that is free again
 * @param most how many octets its files may take together, if that is limited
 * @param full whether the limit is reached: nothing is issued until there is room again
 * @param archived how many entries this process has packed into the archive
 */
public record LedgerStatus(long octets, OptionalLong most, boolean full, long archived) {}
