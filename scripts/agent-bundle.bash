# Where ros-agent's bundle is, and whether it is as new as its sources. For ros-agent and bundle-agent, which set $root.

agent_bundle="$root/dist/bundle/current"

agent_bundle_is_fresh() {
  local newer sources
  # Folders too: they are newer where a file has gone.
  sources=("$root"/packages/{protocol,agent,cli}/{src,package.json} "$root/package-lock.json"
    "$root"/scripts/{bundle-agent,bundle-agent.ts,agent-bundle.bash}
    "$root"/scripts/binaries/{bundle-options,oclif-on-demand}.ts)
  # `begun` is as old as the beginning of the build: what changed meanwhile is newer.
  newer="$(find "${sources[@]}" -newer "$agent_bundle/begun" -print -quit 2>/dev/null)" && [[ -z "$newer" ]]
}
