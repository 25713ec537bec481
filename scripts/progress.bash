# shellcheck shell=bash
# Shows what takes long, and leaves nothing running when the script that sources it is stopped. Sourced, never run.
#
#   with_progress TITLE LOG COMMAND...   runs COMMAND with its output in LOG; returns its status
#   with_unbroken_progress ...           the same; a script that is stopped waits for COMMAND's end, and says so
#   stoppable COMMAND...                 runs COMMAND without a word; for what may take long and speaks for itself
#   stop_at_signals                      sets the traps by which a signal ends what these run; a caller's own EXIT begins with progress_stop
#   progress_detail                      a function that the caller may define: prints how far the work is, or nothing

progress_child="" progress_unbroken=false

progress_detail() { :; }

# Whether stderr is a terminal on which one line may be rewritten.
progress_on_terminal() { [[ -t 2 && "${CI:-}" != true && "${TERM:-dumb}" != dumb ]]; }

progress_line() {
  local line="$1 (${2} s${3:+, $3})"
  if progress_on_terminal; then
    printf '\r\033[K%s' "${line:0:$((${COLUMNS:-80} - 1))}" >&2
  else
    printf '%s\n' "$line" >&2
  fi
}

# Ends the command that is running, with everything that it started; waits for one that must not be broken off.
progress_stop() {
  if [[ -n "$progress_child" ]]; then
    if $progress_unbroken; then
      printf '\n%s: broken off it would leave a mess; waiting for its end\n' "${0##*/}" >&2 || true
    else
      kill -TERM -- "-$progress_child" 2>/dev/null || true
    fi
    wait "$progress_child" 2>/dev/null || true
    progress_child=""
  fi
}

stop_at_signals() {
  trap progress_stop EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

progress_start() {
  # The death of this script, even by SIGKILL, must reach the command; util-linux has setpriv on every Debian.
  local tether=()
  if ! $progress_unbroken && command -v setpriv >/dev/null; then tether=(setpriv --pdeathsig TERM); fi
  set -m # a process group of its own, so that progress_stop reaches the grandchildren
  "${tether[@]}" "$@" </dev/null &
  progress_child=$!
  set +m
}

# A shell sees to its signals when what it runs in the foreground has ended, and not before.
stoppable() {
  local status=0
  progress_start "$@"
  wait "$progress_child" || status=$?
  progress_child=""
  return "$status"
}

with_progress() {
  local title="$1" log="$2" started="$SECONDS" last_shown=0 elapsed status=0
  shift 2
  progress_on_terminal || printf '%s ...\n' "$title" >&2
  progress_start "$@" >"$log" 2>&1
  while kill -0 "$progress_child" 2>/dev/null; do
    elapsed=$((SECONDS - started))
    if progress_on_terminal; then
      progress_line "$title" "$elapsed" "$(progress_detail)"
    elif ((elapsed - last_shown >= 20)); then
      last_shown=$elapsed
      progress_line "$title" "$elapsed" "$(progress_detail)"
    fi
    sleep 0.5 >/dev/null 2>&1 9>&- &
    wait "$!" || true # a signal ends wait, not sleep: the caller's trap runs at once
  done
  wait "$progress_child" || status=$?
  progress_child=""
  if progress_on_terminal; then printf '\r\033[K' >&2; fi
  if ((status == 0)); then
    printf '%s: done in %d s\n' "$title" "$((SECONDS - started))" >&2
  else
    printf '%s: failed after %d s, exit status %d; what it said:\n' "$title" "$((SECONDS - started))" "$status" >&2
    # Where the log's disk is full the reason is not in it: it is this.
    [[ -s "$log" ]] || printf '\n' >>"$log" || true
    # npm gives the reason first, go and apt give it last.
    awk '{ line[NR] = $0 } END { for (i = 1; i <= NR; i++) { if (NR <= 30 || i <= 10 || i > NR - 15) print "    " line[i]; else if (i == 11) print "    ..." } }' "$log" >&2
  fi
  return "$status"
}

with_unbroken_progress() {
  local status=0
  progress_unbroken=true
  with_progress "$@" || status=$?
  progress_unbroken=false
  return "$status"
}
