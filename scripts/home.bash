# shellcheck shell=bash
# Services and containers may have no HOME: caches lie below the user's own. Sourced, never run.
export HOME="${HOME:-$(getent passwd "$EUID" | cut -d: -f6)}"
