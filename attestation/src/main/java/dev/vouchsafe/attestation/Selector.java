package dev.vouchsafe.attestation;

import java.util.Locale;

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

  /**
   * {@code process:script-sha256:HEX}: SHA-256 of the script that a shell or {@code java -jar}
   * runs, where the interpreter still holds it and nobody but root can have changed it.
   */
  record ScriptSha256(String hex) implements Selector {
    @Override
    public String text() {
      return "process:script-sha256:" + hex;
    }

    @Override
    public boolean owner() {
      return false;
    }
  }

  /**
   * {@code systemd:unit:NAME}: the caller's cgroup is the ControlGroup of that service or scope, as
   * the system manager says; never below {@code user.slice}. A {@code *} stands for any characters.
   */
  record SystemdUnit(String unit) implements Selector {
    @Override
    public String text() {
      return "systemd:unit:" + unit;
    }

    @Override
    public boolean owner() {
      return true;
    }
  }

  /**
   * {@code systemd:slice:NAME}: the caller's cgroup lies below the ControlGroup of that slice, as
   * the system manager says; never below a {@code user@} service. A {@code *} stands for any
   * characters. Only narrows, since by default all services of the system share one slice.
   */
  record SystemdSlice(String slice) implements Selector {
    @Override
    public String text() {
      return "systemd:slice:" + slice;
    }

    @Override
    public boolean owner() {
      return false;
    }
  }

  /**
   * {@code systemd:invocation-id:HEX}: the caller's cgroup is the ControlGroup of a unit whose
   * present invocation has that id, 32 lower-case hex digits.
   */
  record SystemdInvocationId(String id) implements Selector {
    @Override
    public String text() {
      return "systemd:invocation-id:" + id;
    }

    @Override
    public boolean owner() {
      return true;
    }
  }

  /**
   * {@code container:engine:docker} or {@code podman}: which engine's container the caller is in.
   * Only narrows: every container of that engine has it.
   */
  record ContainerEngine(Engine engine) implements Selector {
    @Override
    public String text() {
      return "container:engine:" + engine.text();
    }

    @Override
    public boolean owner() {
      return false;
    }
  }

  /** {@code container:id:HEX}: the container's id, 64 lower-case hex digits. */
  record ContainerId(String id) implements Selector {
    @Override
    public String text() {
      return "container:id:" + id;
    }

    @Override
    public boolean owner() {
      return true;
    }
  }

  /**
   * {@code container:name:NAME}: the container's name, without the slash that Docker puts before
   * it. A {@code *} stands for any characters.
   */
  record ContainerName(String name) implements Selector {
    @Override
    public String text() {
      return "container:name:" + name;
    }

    @Override
    public boolean owner() {
      return true;
    }
  }

  /**
   * {@code container:image:REFERENCE}: the image as it was named when the container was made. A
   * {@code *} stands for any characters.
   */
  record ContainerImage(String image) implements Selector {
    @Override
    public String text() {
      return "container:image:" + image;
    }

    @Override
    public boolean owner() {
      return true;
    }
  }

  /**
   * {@code container:image-digest:sha256:HEX}: the id of the container's image, which is a digest
   * of what is in it.
   */
  record ContainerImageDigest(String digest) implements Selector {
    @Override
    public String text() {
      return "container:image-digest:" + digest;
    }

    @Override
    public boolean owner() {
      return true;
    }
  }

  /**
   * {@code container:label:KEY=VALUE}: a label of the container. A {@code *} in the value stands
   * for any characters. Only narrows, since whoever made the image may have put it there.
   */
  record ContainerLabel(String key, String value) implements Selector {
    @Override
    public String text() {
      return "container:label:" + key + "=" + value;
    }

    @Override
    public boolean owner() {
      return false;
    }
  }

  /** A container engine. */
  enum Engine {
    DOCKER,
    PODMAN;

    /** How it is written. */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
