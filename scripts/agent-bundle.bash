# Where ros-agent's bundle is, and whether it is as new as its sources. For ros-agent and bundle-agent, which set $root.

agent_bundle="$root/dist/bundle/current"

agent_bundle_is_fresh() {
  local newer sources
  # Folders too: they are newer where a file has gone.
  sources=("$root"/packages/{protocol,keyless,agent,cli}/{src,package.json} "$root/package-lock.json"
    "$root"/scripts/{bundle-agent,bundle-agent.ts,agent-bundle.bash}
    "$root"/scripts/binaries/{bundle-options,oclif-on-demand}.ts)
  # `begun` is as old as the beginning of the build: what changed meanwhile is newer. By ctime: rsync and tar bring sources with
  # the mtime that they had elsewhere. One that was begun in the future, by a wrong clock, would stay fresh for good.
  newer="$(find "$agent_bundle/begun" "${sources[@]}" \
    \( -name begun -newermt now -o ! -name begun -cnewer "$agent_bundle/begun" \) -print -quit 2>/dev/null)" && [[ -z "$newer" ]]
}
