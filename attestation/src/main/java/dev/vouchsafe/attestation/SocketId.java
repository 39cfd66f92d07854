package dev.vouchsafe.attestation;

/**
 * Names a socket without holding it.
 *
 * @param inode as {@code /proc/PID/fd} shows it; may come again, after very many sockets
 * @param cookie never comes again
 */
record SocketId(long inode, long cookie) {}
