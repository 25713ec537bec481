# shellcheck shell=bash
# Sees to it that node_modules is what package-lock.json says, also where a `git pull` has brought another. Sourced by what runs
# or bundles what lies there; $root is the checkout.

need_npm_packages() {
  local marked="" wanted
  # As scripts/setup writes it. Asked here, because that would cost each start of ros-agent a tenth of a second.
  [[ ! -r "$root/node_modules/.lockfile-sha256" ]] || marked="$(<"$root/node_modules/.lockfile-sha256")"
  wanted="$(sha256sum <"$root/package-lock.json")"
  if [[ -x "$root/node_modules/.bin/node" && "$marked" == "$wanted" ]]; then return; fi
  # shellcheck source=progress.bash
  source "$root/scripts/progress.bash"
  stop_at_signals
  stoppable "$root/scripts/setup" --quiet npm
  trap - EXIT INT TERM HUP
}
