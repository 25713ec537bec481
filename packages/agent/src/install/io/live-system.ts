/** The live system as something to install: the tree of its squashfs, below what was written since the start. */
import { readdirSync, readFileSync, statfsSync, statSync } from "node:fs";

import { whyRefused } from "../../files/index.ts";
import { runProgram, treeLayer, type SystemSource } from "../../slots/index.ts";
import { InstallError } from "../errors.ts";

/** Debian's live-boot, and dracut's dmsquash-live. */
const PLACES = ["/run/live/rootfs", "/run/rootfsbase"] as const;
/** Source: linux/magic.h, SQUASHFS_MAGIC */
const SQUASHFS = 0x73717368;
/** How much more a tree is than its squashfs, rather too much. */
const UNPACKED = 3.5;
const MEASURE_TIMEOUT_MS = 300_000;

/** @returns undefined where this is no live system */
export function findLiveRoot(): string | undefined {
  const [debian, dracut] = PLACES;
  const inDebian = namesIn(debian).map((name) => `${debian}/${name}`);
  return [...inDebian, dracut].find((folder) => isFolder(`${folder}/usr/lib`));
}

/** @throws InstallError INSTALL_NO_SOURCE for what is no folder */
export function liveSource(folder: string): SystemSource {
  requireFolder(folder);
  const { type, files } = statfsSync(folder);
  const source = { digest: undefined, reference: folder, layers: [treeLayer(folder)] };
  return type === SQUASHFS ? { ...source, inodes: files } : source;
}

/** @throws SlotError */
export async function treeBytes(folder: string): Promise<number> {
  const { type, blocks, bsize } = statfsSync(folder);
  if (type === SQUASHFS) return Math.ceil(blocks * bsize * UNPACKED);
  const args = ["--summarize", "--one-file-system", "--block-size=1", folder];
  const text = await runProgram({ program: "du", args, timeoutMs: MEASURE_TIMEOUT_MS, from: "coreutils" });
  // Folders and inodes take room too.
  return Math.ceil(Number(text.split(/\s/)[0]) * 1.15);
}

export function kernelCommandLine(): string {
  return readFileSync("/proc/cmdline", "utf8");
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whatever keeps it from being one: its name may be too long, or lead nowhere for ever. */
function requireFolder(folder: string): void {
  let why = "";
  try {
    if (isFolder(folder)) return;
  } catch (cause) {
    why = `: ${whyRefused(cause)}`;
  }
  throw new InstallError("INSTALL_NO_SOURCE", `${folder} is no folder to install from${why}`);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
