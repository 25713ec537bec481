# shellcheck shell=bash
# What is built with Go and kept is for this machine, whatever else its user builds. Sourced, never run.
#
#   go_for_here         sets go_environment, for `env`; asks the go in PATH
#   runs_here FILE...   whether each of these programs can be run

go_for_here() {
  # As test/go/build-module.ts does. The oldest processors of each kind: the cache may lie in a home of several machines.
  go_environment=(CGO_ENABLED=0 GO111MODULE=on GOWORK=off GOFLAGS=-mod=readonly
    GOOS=linux "GOARCH=$(cd / && go env GOHOSTARCH)" GOAMD64=v1 GOARM64=v8.0)
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
