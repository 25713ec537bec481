/** Where the firmware finds the boot loader of an installation. */
import { attemptsFile } from "../../firmware/index.ts";
import { runProgram } from "../../slots/index.ts";
import { parseEsp } from "../parse-esp.ts";
import type { FoundLoader } from "../start-installed.ts";
import { efiFileName } from "./boot-loader.ts";
import { findEfiLoader } from "./read-installation.ts";

/** @returns undefined where the disk has none for this machine's processor. @throws SlotError */
export async function findLoader(disk: string, signal: AbortSignal): Promise<FoundLoader | undefined> {
  const fileName = efiFileName(process.arch);
  const offsetBytes = fileName === undefined ? undefined : await findEfiLoader(disk, fileName, signal);
  if (fileName === undefined || offsetBytes === undefined) return undefined;
  const esp = parseEsp(await runProgram({ program: "sfdisk", args: ["--json", disk], from: "fdisk", signal }), disk);
  if (esp === undefined) return undefined;
  return { place: { ...esp, fileName }, file: attemptsFile({ device: disk, offsetBytes, signal }) };
}
