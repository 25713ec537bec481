/** cOS' and Elemental's two slots, through their boot loader's environment. */
import { systemCode } from "@rancheros/protocol/errors";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";

import { endWithin, startProgram, type EndWithin } from "../../programs/index.ts";
import type { BootSlot } from "../boot-slot.ts";
import { UpgradeError } from "../errors.ts";
import { absentOr } from "./absent.ts";
import { otherSlot, type SlotPort } from "../rollback.ts";

/** Source: cOS toolkit, docs: `grub2-editenv /oem/grubenv set next_entry=...` */
const ENVIRONMENT = "/oem/grubenv";
const PROGRAMS = ["grub2-editenv", "grub-editenv"] as const;
const STATE_FOLDERS = ["/run/initramfs/cos-state", "/run/initramfs/elemental-state", "/run/cos/state"] as const;
const PASSIVE = ["cOS/passive.img", ".snapshots/passives"] as const;
const MENUS = ["grub2/grub.cfg", "grub2/grub/grub.cfg"] as const;
const MENU_MAX_CHARACTERS = 256 * 1024;
/** What it has written is put onto the disk before it ends. */
const TIMES: EndWithin = { timeoutMs: 30_000, killedMs: 30_000 };

/** @param times  for the boot loader's program */
export function grubSlots(hostRoot: string, readBootSlot: () => Promise<BootSlot>, times = TIMES): SlotPort {
  const inState = (names: readonly string[]): readonly string[] =>
    STATE_FOLDERS.flatMap((folder) => names.map((name) => join(hostRoot, folder, name)));
  return {
    async other() {
      const found = await Promise.all(inState(PASSIVE).map(isThere));
      const menus = await Promise.all(
        [...inState(MENUS), join(hostRoot, "/etc/cos/grub.cfg")].map((path) => readFile(path, "utf8").catch(() => "")),
      );
      const menu = menus.join("\n").slice(0, MENU_MAX_CHARACTERS);
      return otherSlot({ booted: await readBootSlot(), hasPassive: found.includes(true), menu });
    },
    async startNext(entry) {
      await edit(["set", `next_entry=${entry}`]);
    },
    async forgetNext(entry) {
      // Somebody may have it start the recovery system meanwhile.
      if ((await edit(["list"])).split("\n").includes(`next_entry=${entry}`)) await edit(["unset", "next_entry"]);
    },
  };

  /** @returns what it prints. @throws UpgradeError UPGRADE_ROLLBACK_FAILED */
  async function edit(words: readonly string[]): Promise<string> {
    const path = join(hostRoot, ENVIRONMENT);
    for (const program of PROGRAMS) {
      const edited = await editEnvironment(program, [path, ...words], times);
      if ("printed" in edited) return edited.printed;
      if (edited.problem !== "missing") {
        const message = `${program} ${path}: ${edited.problem}`;
        throw new UpgradeError("UPGRADE_ROLLBACK_FAILED", message, { details: { path } });
      }
    }
    throw new UpgradeError("UPGRADE_ROLLBACK_FAILED", "neither grub2-editenv nor grub-editenv is there");
  }
}

/** @throws UpgradeError UPGRADE_UNREADABLE: what cannot be told is no empty slot */
function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (cause: unknown) => absentOr(path, cause) ?? false,
  );
}

type Edited = { readonly printed: string } | { readonly problem: string };

async function editEnvironment(program: string, args: readonly string[], times: EndWithin): Promise<Edited> {
  const running = startProgram({ program, args, environment: process.env, maxOutputBytes: 65_536, ownGroup: false });
  const ending = await endWithin(running, times);
  if (ending === undefined) return { problem: "was killed, and still waits in the kernel" };
  if (ending.kind === "not-started") return { problem: isMissing(ending.cause) ? "missing" : String(ending.cause) };
  if (ending.kind === "killed") return { problem: `ended by ${ending.signal}` };
  if (ending.kind === "flooded") return { problem: "printed too much" };
  if (ending.exitCode === 0) return { printed: ending.stdout.toString("utf8") };
  return { problem: ending.stderr.toString("utf8").trim() || `exit code ${ending.exitCode}` };
}

function isMissing(cause: unknown): boolean {
  return systemCode(cause) === "ENOENT";
}
