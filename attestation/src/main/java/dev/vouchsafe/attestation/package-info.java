/**
 * Who is calling: registrations, what they demand of a caller, and the verdict.
 *
 * <p>Registrations are TOML files in one folder. A table has the keys {@code name}, {@code
 * selectors} (both needed), {@code generation} ("1"), {@code profiles} (["identity"]), {@code dns},
 * {@code ip}, {@code ttl}, {@code audiences}, {@code channels} (["unix"]), {@code strict} (false)
 * and {@code spiffe}; in brackets what holds where a key is left out. A file is taken whole or not
 * at all, and one that is not taken leaves in force what it said before.
 *
 * <p>A caller is looked at three times. What is read at each look, and why no more:
 *
 * <ul>
 *   <li>All four user and group ids, from the pidfd where the kernel has that (one call), else from
 *       {@code /proc/PID/status}.
 *   <li>The executable's device and inode, and its {@code cgroup} file through a descriptor that is
 *       kept, so that neither is opened again.
 *   <li>The first line of {@code maps} through a descriptor that is kept: it is that of the address
 *       space at accept, and is empty after any exec.
 *   <li>Last, whether the pidfd says that the process has ended. If it has not, its id was its own
 *       all the time, and so was what was read under that id. Start times would tell nothing more.
 * </ul>
 *
 * <p>For whom all of that holds: who else holds its socket, where the registration is strict, and
 * whether somebody traces it.
 *
 * <p>Once a connection, at the first measurement: its namespaces and root directory, and the file
 * system of its executable. In our user namespace only root changes the former, the latter is the
 * executable's own.
 */
@NullMarked
package dev.vouchsafe.attestation;

import org.jspecify.annotations.NullMarked;
