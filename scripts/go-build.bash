# shellcheck shell=bash
# What is built with Go and kept is for this machine, whatever else its user builds. Sourced, never run.
#
#   go_for_here         sets go_environment, for `env`; asks the go in PATH
#   runs_here FILE...   whether each of these programs can be run

go_for_here() {
  go_environment=(CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly GOOS=linux "GOARCH=$(cd / && go env GOHOSTARCH)")
}

runs_here() {
  local file
  for file in "$@"; do
    timeout 60 "$file" --help >/dev/null 2>&1 </dev/null || {
      printf '%s was built, and does not run on this machine\n' "${file##*/}" >&2
      return 1
    }
  done
}
