# Puts the agent where an image has it: one file. Sourced by build-image, which sets $root and has progress.bash.

# agent_files FOLDER: fills the folder as a layer of an image.
agent_files() {
  stoppable "$root/scripts/build-agent" --no-xz
  mkdir -p "$1/usr/bin" "$1/usr/lib/rancheros"
  install -m 0755 "$root/dist/ros-agent" "$1/usr/bin/ros-agent"
}
