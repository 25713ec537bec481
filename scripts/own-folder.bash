# shellcheck shell=bash
# Runs tests with a folder of their own for all that they make. Sourced, after progress.bash, by what people start for a night
# and stop by Ctrl-C.

# in_own_folder COMMAND...: returns its status. What is broken off leaves its folders; after a failure the logs are in them.
in_own_folder() {
  local status=0
  # By this name clean-killed-runs knows it, after SIGKILL.
  own_folder="$(mktemp -d "${TMPDIR:-/tmp}/rancheros-test-XXXXXX")"
  trap own_folder_stop EXIT
  stoppable env "TMPDIR=$own_folder" "$@" || status=$?
  trap progress_stop EXIT
  if ((status == 0)); then rm -rf -- "$own_folder"; else rmdir -- "$own_folder" 2>/dev/null || printf 'what it has left is in %s\n' "$own_folder" >&2; fi
  return "$status"
}

own_folder_stop() {
  local group="$progress_child" _
  progress_stop
  # They write into it until they are gone.
  for _ in {1..50}; do
    kill -KILL -- "-$group" 2>/dev/null || break
    sleep 0.1
  done
  rm -rf -- "$own_folder"
}
