/** What a tree needs so that a machine starts from it. Source: docs/decisions/0015-slots.md, "What an image must bring" */
import { SlotError } from "./errors.ts";

/** Paths below the root, links followed within it. */
export const NEEDED_FILES: readonly (readonly [path: string, what: string])[] = [
  ["boot/vmlinuz", "a kernel"],
  ["boot/initrd.img", "an initrd"],
  ["sbin/init", "systemd"],
  ["usr/bin/ros-agent", "the agent"],
  ["usr/lib/rancheros/init", "the slot's first program"],
  ["usr/lib/rancheros-release", "a release file"],
  // Nothing else marks it good: without it each trial would end where it began, after a drain.
  ["usr/lib/systemd/system/ros-agent-boot-check.service", "the unit of the boot check"],
];

/** What is mounted over while it runs. */
export const MOUNT_POINTS = [
  "dev",
  "etc",
  "home",
  "mnt",
  "oem",
  "opt",
  "proc",
  "root",
  "run",
  "srv",
  "sys",
  "tmp",
  "usr/local",
  "var",
] as const;
export const INIT = "sbin/init";
export const ELF_HEADER_BYTES = 20;

/** e_machine by Node's names of processors. Source: ELF specification, gABI "ELF Header" */
const MACHINES: Readonly<Record<string, number>> = { x64: 0x3e, arm64: 0xb7, riscv64: 0xf3, s390x: 0x16, ppc64: 0x15 };

export interface TreeLook {
  /** First bytes of a file, links followed within the tree; undefined where there is none. */
  head(path: string, bytes: number): Buffer | undefined;
}

/**
 * @param arch  as `process.arch` has it
 * @throws SlotError SLOT_IMAGE_INCOMPLETE that names all that is missing, SLOT_IMAGE_FOREIGN
 */
export function requireSystem(tree: TreeLook, arch: string): void {
  const missing = NEEDED_FILES.filter(([path]) => (tree.head(path, 1)?.length ?? 0) === 0);
  if (missing.length > 0) {
    const named = missing.map(([path, what]) => `${what} (/${path})`).join(", ");
    throw new SlotError("SLOT_IMAGE_INCOMPLETE", `the image does not bring ${named}`, { details: { missing: named } });
  }
  const head = tree.head(INIT, ELF_HEADER_BYTES);
  const wanted = MACHINES[arch];
  if (head === undefined || wanted === undefined || head.toString("latin1", 0, 4) !== "\x7fELF") return;
  const isBig = head[5] === 2;
  const machine = isBig ? head.readUInt16BE(18) : head.readUInt16LE(18);
  if (machine === wanted) return;
  throw new SlotError("SLOT_IMAGE_FOREIGN", `/${INIT} of the image is made for another processor than ${arch}`, {
    details: { elfMachine: machine },
  });
}
