/** Where the firmware finds the boot loader of an installation. */
import type { LoaderPlace } from "../../firmware/index.ts";
import { runProgram } from "../../slots/index.ts";
import { parseEsp } from "../parse-esp.ts";
import { efiFileName } from "./boot-loader.ts";
import { hasEfiLoader } from "./read-installation.ts";

/** @returns undefined where the disk has none for this machine's processor. @throws SlotError */
export async function findLoader(disk: string, signal: AbortSignal): Promise<LoaderPlace | undefined> {
  const fileName = efiFileName(process.arch);
  if (fileName === undefined || !(await hasEfiLoader(disk, fileName, signal))) return undefined;
  const esp = parseEsp(await runProgram({ program: "sfdisk", args: ["--json", disk], from: "fdisk", signal }), disk);
  return esp && { ...esp, fileName };
}
