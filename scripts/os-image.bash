# What build-image, build-media and build-iso share: where things are kept, and how a folder becomes bytes that depend on
# nothing but its content. Sourced; sets nothing but these functions, $os_image_cache and $checkout_modes.

os_image_cache="${XDG_CACHE_HOME:-$HOME/.cache}/rancheros-operator/os-image"

# Of everything in images and media, whatever the clock says: the first commit of this design.
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-1764000000}"

need_commands() {
  local missing=() name
  for name in "$@"; do command -v "$name" >/dev/null || missing+=("$name"); done
  ((${#missing[@]} == 0)) || fail "missing: ${missing[*]}; scripts/setup metal installs them"
  # By what it can do: busybox' find has the name alone.
  find / -maxdepth 0 -printf '' 2>/dev/null || fail "find on this machine does not know -printf, as that of busybox does not: install findutils"
}

# Git knows of a file whether it is a program, and nothing else; the rest is the umask of whoever cloned or copied it.
checkout_modes='u+rw,go=u,go-w'

# tar_of FOLDER [MODES]: the same bytes for the same content: no times, no owners, no order of the file system.
tar_of() {
  tar --create --directory "$1" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
    --format=gnu --mode="${2:-$checkout_modes}" .
}

# Waits for whoever makes the same thing at this moment: what is made once must not be made twice.
lock_os_image_cache() {
  mkdir -p "$os_image_cache"
  exec 8>"$os_image_cache/.lock"
  if ! flock --nonblock 8; then
    printf '%s: another process uses %s; waiting for it\n' "${0##*/}" "$os_image_cache" >&2
    stoppable flock --timeout 3600 8 || fail "gave up after an hour of waiting for $os_image_cache/.lock"
  fi
  rm -rf -- "$os_image_cache"/.making-*
}

# Keeps the newest: each changed agent leaves an image behind. What somebody uses has its blobs under links of its own.
prune_os_image_cache() {
  local kind="$1" keep="$2"
  find "$os_image_cache" -mindepth 1 -maxdepth 1 -name "$kind-*" -printf '%T@ %p\n' | sort --reverse --numeric-sort |
    tail --lines="+$((keep + 1))" | cut --delimiter=' ' --fields=2- | xargs --no-run-if-empty -d '\n' rm -rf --
}
