# shellcheck shell=bash
# Prints what stands at the head of the script that sources it, where the script's first argument is --help or -h: before
# anything is installed or built. Sourced, never run.
if [[ "${1:-}" == --help || "${1:-}" == -h ]]; then
  sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "${BASH_SOURCE[1]}"
  exit 0
fi
