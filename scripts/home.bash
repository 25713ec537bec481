# shellcheck shell=bash
# Services and containers may have no HOME: caches lie below the user's own. Sourced, never run.
if [[ -z "${HOME:-}" ]]; then
  HOME="$(getent passwd "$EUID" | cut -d: -f6)" || HOME=''
  if [[ -z "$HOME" ]]; then
    printf '%s: there is no HOME, and no home of user %s in the passwd database: set HOME to a folder that this user may write\n' "${0##*/}" "$EUID" >&2
    exit 1
  fi
fi
export HOME
