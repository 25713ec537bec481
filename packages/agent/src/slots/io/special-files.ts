/** Devices, pipes and extended attributes, for which Node has no functions: by mknod and setfattr. */
import { chmodSync, chownSync } from "node:fs";

import type { TreeWriter } from "./tree-writer.ts";
import { runProgram } from "./run-program.ts";

const MKNOD_KINDS = { "character-device": "c", "block-device": "b", fifo: "p" } as const;
/** In one call of setfattr. */
const ATTRIBUTES_AT_ONCE = 2_000;

/** @throws SlotError SLOT_TOOL_MISSING, SLOT_TOOL_FAILED */
export async function writeSpecials(root: string, taken: ReturnType<TreeWriter["takeSpecials"]>): Promise<void> {
  for (const { kind, path, major, minor, mode, uid, gid } of taken.specials) {
    const full = `${root}/${path}`;
    const numbers = kind === "fifo" ? [] : [String(major), String(minor)];
    await runProgram({ program: "mknod", args: [full, MKNOD_KINDS[kind], ...numbers], from: "coreutils" });
    chownSync(full, uid, gid);
    chmodSync(full, mode);
  }
  const all = [...taken.xattrs];
  for (let at = 0; at < all.length; at += ATTRIBUTES_AT_ONCE) {
    const input = all.slice(at, at + ATTRIBUTES_AT_ONCE).map(([path, xattrs]) => dumpOf(`${root}/${path}`, xattrs));
    await runProgram({ program: "setfattr", args: ["-h", "--restore=-"], input: input.join("\n"), from: "attr" });
  }
}

/** As getfattr --dump writes it. Source: attr, setfattr(1) --restore */
function dumpOf(full: string, xattrs: ReadonlyMap<string, Buffer>): string {
  const octal = (text: string): string =>
    [...Buffer.from(text)]
      .map((byte) =>
        byte <= 0x20 || byte >= 0x7f || byte === 0x5c || byte === 0x3d
          ? `\\${byte.toString(8).padStart(3, "0")}`
          : String.fromCharCode(byte),
      )
      .join("");
  const lines = [...xattrs].map(([name, value]) => `${octal(name)}=0x${value.toString("hex")}`);
  return `# file: ${octal(full)}\n${lines.join("\n")}\n`;
}
