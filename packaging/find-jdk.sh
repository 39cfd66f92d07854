# Sourced by ./vouchsafe and ./test. find_jdk sets JAVA_HOME to a JDK 25, or says what to install and ends the script.
# It reads the `release` file that every JDK has and starts no process, so that it costs nothing at each start.

is_jdk_25() {
  local line
  [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
  while IFS= read -r line; do
    case $line in JAVA_VERSION=\"25\" | JAVA_VERSION=\"25[.+-]*) return 0 ;; esac
  done < "$1/release"
  return 1
}

find_jdk() {
  local candidate home=${HOME:-/nonexistent}
  for candidate in "${VOUCHSAFE_JAVA_HOME:-}" "${JAVA_HOME:-}" /usr/lib/jvm/* /opt/*jdk* \
    "$home"/.sdkman/candidates/java/* "$home"/.jdks/*; do
    if [ -n "$candidate" ] && is_jdk_25 "$candidate"; then
      export JAVA_HOME=$candidate
      return 0
    fi
  done
  cat >&2 <<'TEXT'
vouchsafe: no JDK 25 was found.
  Looked at $VOUCHSAFE_JAVA_HOME, $JAVA_HOME, /usr/lib/jvm/*, /opt/*jdk*, ~/.sdkman/candidates/java/*, ~/.jdks/*.
  Install one, for example Eclipse Temurin 25 (package temurin-25-jdk), or unpack one and set
  VOUCHSAFE_JAVA_HOME to its folder. A JRE or another version is not enough: the first use builds the program.
TEXT
  exit 1
}
