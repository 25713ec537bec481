/** Which boot file a request asks for. */

/** In the order in which a machine loads them. */
export const BOOT_FILES = ["kernel", "initrd", "squashfs"] as const;
export type BootFile = (typeof BOOT_FILES)[number];

export interface BootRoute {
  readonly token: string;
  readonly what: BootFile | "ipxe" | "config";
}

/** live-boot tells by the end of the name what it fetches. */
export const SQUASHFS_NAME = "root.squashfs";

/** The second one is what Rancher's proxy leads to. */
const PREFIXES = ["/boot/", "/v1-rancheros/boot/"] as const;

function prefixOf(path: string): string | undefined {
  return PREFIXES.find((prefix) => path.startsWith(prefix));
}

export function isBootPath(path: string): boolean {
  return prefixOf(path) !== undefined;
}

/** @param path  without the query */
export function bootRouteOf(path: string): BootRoute | undefined {
  const prefix = prefixOf(path);
  if (prefix === undefined) return undefined;
  const match = /^([A-Za-z0-9]{1,128})\/([a-z.]{1,20})$/.exec(path.slice(prefix.length));
  const [, token, name] = match ?? [];
  const what = (["ipxe", "config", ...BOOT_FILES] as const).find(
    (one) => name === (one === "squashfs" ? SQUASHFS_NAME : one),
  );
  return token === undefined || what === undefined ? undefined : { token, what };
}
