/** What lsblk says of disks. Source: lsblk(8) --json */
import { childrenOf, devicesIn, text, type DeviceFields as Fields } from "./device-fields.ts";
import type { Disk } from "./disk.ts";

const CONTENTS_MAX = 12;
/** What one thing is made of together with other disks, and one layer of several. Source: libblkid's names of superblocks */
const MEMBER = /_member$|^(bcache|drbd|drbdmanage_control_volume|drbdproxy_datalog|stratis|mpool|vdo|DM_integrity)$/;
/** What no machine mounts that takes part in it, or others have mounted. Source: as above */
const SHARED = /^(ceph_bluestore|gfs2?|ocfs2|oracleasm|VMFS)$/;

/**
 * @param names   other names of devices, by path
 * @param probed  kinds of file systems by path, of devices of which lsblk knows none
 * @throws InstallError INSTALL_NO_DISK for an answer that makes no sense
 */
export function parseDisks(
  json: string,
  names: ReadonlyMap<string, readonly string[]>,
  probed: ReadonlyMap<string, string> = new Map(),
): readonly Disk[] {
  return devicesIn(json).flatMap((device) => diskOf(withKinds(device, probed), names));
}

function withKinds(fields: Fields, probed: ReadonlyMap<string, string>): Fields {
  const fstype = text(fields, "fstype") || (probed.get(text(fields, "path")) ?? "");
  return { ...fields, fstype, children: childrenOf(fields).map((child) => withKinds(child, probed)) };
}

function diskOf(fields: Fields, names: ReadonlyMap<string, readonly string[]>): readonly Disk[] {
  const path = text(fields, "path");
  const type = text(fields, "type");
  const sizeBytes = Number(fields["size"]);
  const name = text(fields, "name");
  // Memory that looks like a disk, floppies, and the boards of eMMC that firmware lives on.
  const isDisk = type === "disk" || type === "loop";
  if (!isDisk || path === "" || !(sizeBytes > 0) || /^(zram|ram|fd)\d|boot\d$|rpmb$/.test(name)) return [];
  return [
    {
      path,
      sizeBytes,
      model: text(fields, "model"),
      serial: text(fields, "serial"),
      kind: kindOf(fields, type),
      isRemovable: isTrue(fields["rm"]) || text(fields, "tran") === "usb",
      isReadOnly: isTrue(fields["ro"]),
      use: useOf(fields, true),
      contents: contentsOf(fields).slice(0, CONTENTS_MAX),
      names: names.get(path) ?? [],
    },
  ];
}

function kindOf(fields: Fields, type: string): Disk["kind"] {
  if (type === "loop") return "loop";
  if (text(fields, "tran") === "nvme" || text(fields, "name").startsWith("nvme")) return "nvme";
  return isTrue(fields["rota"]) ? "hdd" : "ssd";
}

/** Why it cannot be erased: of itself or of anything that is made of it. */
function useOf(fields: Fields, isTop: boolean): string | undefined {
  const points: unknown = fields["mountpoints"];
  const [mounted] = (Array.isArray(points) ? points : []).filter(
    (one): one is string => typeof one === "string" && one !== "",
  );
  const path = text(fields, "path");
  if (mounted === "[SWAP]") return `${path} is swap space in use`;
  if (mounted !== undefined) {
    const isMedium = mounted.startsWith("/run/live/") || mounted === "/run/initramfs/live" || mounted === "/cdrom";
    return isMedium ? "it is the medium from which the live system runs" : `${path} is mounted at ${mounted}`;
  }
  const type = text(fields, "type");
  const member = text(fields, "fstype");
  // Also one that nothing has put together: what it is a part of would be lost with it.
  if (MEMBER.test(member)) return `${path} (${member}) is part of a RAID or volume group`;
  if (SHARED.test(member)) return `${path} (${member}) is storage of a cluster, which other machines may use`;
  // A RAID, a volume group or an encrypted volume that runs is made of it.
  if (!isTop && type !== "part") return `${path} (${type}) is made of it`;
  for (const child of childrenOf(fields)) {
    const use = useOf(child, false);
    if (use !== undefined) return use;
  }
  return undefined;
}

function contentsOf(fields: Fields): readonly string[] {
  const own = [text(fields, "fstype"), text(fields, "label") || text(fields, "partlabel")]
    .filter((word) => word !== "")
    .join(" ");
  return [...(own === "" ? [] : [own]), ...childrenOf(fields).flatMap(contentsOf)];
}

function isTrue(value: unknown): boolean {
  return value === true || value === 1 || value === "1";
}
