# Where ros-agent's bundle is, and whether it is of its sources. For ros-agent and bundle-agent, which set $root.

agent_bundle="$root/dist/bundle/current"
agent_sources=(packages/{protocol,keyless,agent,cli}/{src,package.json} package-lock.json
  scripts/{bundle-agent,bundle-agent.ts,agent-bundle.bash} scripts/binaries/{bundle-options,oclif-on-demand}.ts)

# Whether no source is later than a build. Folders too: they are later where a file has gone.
is_later_than_sources() {
  local later
  # `begun` is as old as the beginning of the build: what changed meanwhile is later. By ctime: rsync and tar bring sources with
  # the mtime that they had elsewhere. One that was begun in the future, by a wrong clock, would stay fresh for good.
  later="$(find "$1/begun" "${agent_sources[@]/#/"$root/"}" \
    \( -name begun -newermt now -o ! -name begun -cnewer "$1/begun" \) -print -quit 2>/dev/null)" && [[ -z "$later" ]]
}

# What the sources are, whenever they came. Fails where one of them is missing.
agent_sources_sum() {
  (cd -- "$root" && find "${agent_sources[@]}" -type f -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
}

agent_bundle_is_fresh() {
  local asked="$EPOCHSECONDS"
  if is_later_than_sources "$agent_bundle"; then return 0; fi
  # A copy of the whole checkout has later sources, and need not be for its user to write.
  [[ -s "$agent_bundle/sources" && "$(<"$agent_bundle/sources")" == "$(agent_sources_sum)" ]] || return 1
  # So that the times tell next time; not of now, as files are dated by a clock that is some milliseconds late.
  touch --no-create --date="@$((asked - 1))" "$agent_bundle/begun" 2>/dev/null || true
}
