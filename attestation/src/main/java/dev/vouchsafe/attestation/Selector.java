package dev.vouchsafe.attestation;

/**
 * One thing that must hold for a caller, written {@code type:key:value}.
 *
 * <p>Each form says what it is compared with. Those that are {@link #owner()} can't be taken on by
 * another local user; a registration needs at least one of them.
 */
public sealed interface Selector {
  /** As written in a registration. */
  String text();

  /** Whether another local user can't take it on. */
  boolean owner();

  /** {@code unix:uid:N}: all four user ids of the caller. */
  record Uid(long uid) implements Selector {
    @Override
    public String text() {
      return "unix:uid:" + uid;
    }

    @Override
    public boolean owner() {
      return true;
    }
  }

  /** {@code unix:user:NAME}: as {@link Uid}, the name resolved at load and every minute. */
  record User(String user) implements Selector {
    @Override
    public String text() {
      return "unix:user:" + user;
    }

    @Override
    public boolean owner() {
      return true;
    }
  }

  /** {@code unix:gid:N}: the caller's effective group id at connect. */
  record Gid(long gid) implements Selector {
    @Override
    public String text() {
      return "unix:gid:" + gid;
    }

    @Override
    public boolean owner() {
      return false;
    }
  }

  /** {@code unix:group:NAME}: as {@link Gid}, the name resolved at load and every minute. */
  record Group(String group) implements Selector {
    @Override
    public String text() {
      return "unix:group:" + group;
    }

    @Override
    public boolean owner() {
      return false;
    }
  }

  /** {@code unix:supplementary-group:NAME-OR-NUMBER}: among the caller's groups at connect. */
  record SupplementaryGroup(String group) implements Selector {
    @Override
    public String text() {
      return "unix:supplementary-group:" + group;
    }

    @Override
    public boolean owner() {
      return false;
    }
  }

  /**
   * {@code unix:path:/ABSOLUTE}: the executable is that file, by device and inode in our mount
   * namespace.
   */
  record Path(String path) implements Selector {
    @Override
    public String text() {
      return "unix:path:" + path;
    }

    @Override
    public boolean owner() {
      return false;
    }
  }

  /** {@code unix:sha256:HEX}: SHA-256 of the executable's content, 64 lower-case hex digits. */
  record Sha256(String hex) implements Selector {
    @Override
    public String text() {
      return "unix:sha256:" + hex;
    }

    @Override
    public boolean owner() {
      return false;
    }
  }
}
