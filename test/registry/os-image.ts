/** A small OS image that runs: busybox as shell, an upgrade script, and the release file that tells versions apart. */
import { readFileSync } from "node:fs";
import { buildImage, type Image, type ImageOptions } from "./image.ts";
import type { TarEntry } from "./tar.ts";

const BUSYBOX = "/bin/busybox";
const APPLETS = ["sh", "cat", "cmp", "cp", "echo", "false", "ls", "mkdir", "mv", "rm", "sleep", "sync", "true", "yes"];

/** A layer with Debian's busybox-static and links to what scripts need of it. */
export function busyboxLayer(): readonly TarEntry[] {
  return [
    { path: BUSYBOX, content: readFileSync(BUSYBOX), mode: 0o755 },
    ...APPLETS.map((applet) => ({ path: `/bin/${applet}`, symlink: "busybox" })),
    { path: "/tmp", folder: true, mode: 0o777 },
    { path: "/etc", folder: true },
  ];
}

export interface OsImageOptions extends Omit<ImageOptions, "layers"> {
  /** Text of /usr/lib/rancheros-release; none is written where undefined. */
  readonly release: string | undefined;
  /** Text of /usr/sbin/suc-upgrade, a script for /bin/sh; none is written where undefined. */
  readonly upgradeScript: string | undefined;
  /** More files, in the upper layer. */
  readonly files?: readonly TarEntry[];
}

/** Two layers: busybox, the same in all images, and what differs. */
export function buildOsImage(options: OsImageOptions): Image {
  const { release, upgradeScript, files = [], ...rest } = options;
  const own: TarEntry[] = [...files];
  if (release !== undefined) own.push({ path: "/usr/lib/rancheros-release", content: release });
  if (upgradeScript !== undefined) own.push({ path: "/usr/sbin/suc-upgrade", content: upgradeScript, mode: 0o755 });
  return buildImage({
    config: { Env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] },
    ...rest,
    layers: [busyboxLayer(), own],
  });
}
