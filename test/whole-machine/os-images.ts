/** OS images whose suc-upgrade does what RancherOS' does, on a machine whose / is a folder. */
import { buildOsImage, type Image, type TarEntry } from "../registry/index.ts";

export const RELEASE_FILE = "/usr/lib/rancheros-release";
/** What the next boot starts; below the machine's /, in place of a partition. */
export const INSTALLED_RELEASE = "/var/lib/installed-release";
/** Somebody asked for a restart. */
export const REBOOT_REQUEST = "/run/reboot-requested";

export function releaseText(version: string, more: readonly string[] = []): string {
  return [`IMAGE=registry.test/os:${version}`, `VERSION_ID="${version}"`, ...more, ""].join("\n");
}

export interface VersionOptions {
  /** Further lines of the release file. */
  readonly release?: readonly string[];
  /** In place of the usual script. */
  readonly upgradeScript?: string;
  readonly files?: readonly TarEntry[];
}

/** @param version  such as v1.2.0: a lower one is refused as a downgrade */
export function buildVersion(version: string, options: VersionOptions = {}): Image {
  return buildOsImage({
    release: releaseText(version, options.release),
    upgradeScript: options.upgradeScript ?? SUC_UPGRADE,
    files: options.files ?? [],
  });
}

/**
 * Step for step as the original, but that it writes a file where that writes a partition, and asks for the restart by a
 * file: `nsenter ... reboot` would restart the machine on which the tests run.
 * Source: os2, framework/files/usr/sbin/suc-upgrade
 */
export const SUC_UPGRADE = `#!/bin/sh
set -e
HOST_DIR="\${HOST_DIR:-/host}"
RELEASE_FILE="\${RELEASE_FILE:-${RELEASE_FILE}}"
CONF_FILE="\${CONF_FILE:-/run/data/cloud-config}"
TARGET="$HOST_DIR/oem/90_operator.yaml"

reboot_machine() {
  # systemd makes the first one when it begins to stop the machine.
  : > "$HOST_DIR/run/nologin"
  : > "$HOST_DIR${REBOOT_REQUEST}"
}

apply_config() {
  if [ ! -s "$CONF_FILE" ]; then
    if [ -e "$TARGET" ]; then
      rm -f "$TARGET"
      if [ "$1" = reboot ]; then reboot_machine; fi
    fi
  elif ! cmp -s "$CONF_FILE" "$TARGET"; then
    cp "$CONF_FILE" "$TARGET"
    if [ "$1" = reboot ]; then reboot_machine; fi
  fi
}

if [ "$FORCE" != true ] && cmp -s "$RELEASE_FILE" "$HOST_DIR$RELEASE_FILE"; then
  echo "Update to date with"
  cat "$RELEASE_FILE"
  apply_config reboot
  exit 0
fi

apply_config
echo "cos-upgrade --directory /"
cp "$RELEASE_FILE" "$HOST_DIR${INSTALLED_RELEASE}.part"
sync
mv "$HOST_DIR${INSTALLED_RELEASE}.part" "$HOST_DIR${INSTALLED_RELEASE}"
reboot_machine
exit 1
`;

/** The same, but that it goes on only where that file is below the machine's /: for what is to happen meanwhile. */
export function waitingUpgrade(file: string): string {
  return SUC_UPGRADE.replace(/^set -e$/m, `set -e\nwhile [ ! -e "/host${file}" ]; do sleep 0.1; done`);
}
