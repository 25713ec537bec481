# Puts the agent where an image has it. Sourced by build-image, which sets $root.

# agent_files NODE AGENT: fills two folders as layers of an image; the first stays away where nothing belongs into it.
agent_files() {
  "$root/scripts/build-agent" --if-stale
  mkdir -p "$1/usr/lib/ros-agent" "$2/usr/lib/ros-agent" "$2/usr/bin" "$2/usr/lib/rancheros"
  install -m 0755 "$root/node_modules/.bin/node" "$1/usr/lib/ros-agent/node"
  install -m 0644 "$root"/dist/ros-agent/current/*.cjs "$2/usr/lib/ros-agent/"
  cat >"$2/usr/bin/ros-agent" <<'SCRIPT'
#!/bin/sh
exec /usr/lib/ros-agent/node /usr/lib/ros-agent/ros-agent.cjs "$@"
SCRIPT
  chmod 0755 "$2/usr/bin/ros-agent"
}
