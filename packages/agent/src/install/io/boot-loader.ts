/** GRUB for this disk, made of the parts that this system has. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { runProgram, type SlotPlace } from "../../slots/index.ts";
import { InstallError } from "../errors.ts";
import { withWorkFiles, writeWorkFile } from "./work-files.ts";

export interface BootLoader {
  readonly efi: { readonly image: Buffer; readonly fileName: string } | undefined;
  readonly bios: { readonly boot: Buffer; readonly core: Buffer } | undefined;
}

const FOLDER = "/usr/lib/grub";
const MODULES = [
  "part_gpt",
  "ext2",
  "fat",
  "search",
  "search_fs_uuid",
  "search_fs_file",
  "normal",
  "configfile",
  "linux",
  "loadenv",
  "echo",
  "test",
  "true",
  "regexp",
  "sleep",
  "reboot",
  "halt",
  "boot",
  "minicmd",
  "ls",
  "cat",
  "serial",
  "terminal",
  "gzio",
  "probe",
] as const;
/** By Node's names of processors. Source: UEFI specification, "Removable Media Boot Behavior" */
const EFI: Readonly<Record<string, readonly [target: string, fileName: string]>> = {
  x64: ["x86_64-efi", "BOOTX64.EFI"],
  arm64: ["arm64-efi", "BOOTAA64.EFI"],
};
const MAKE_TIMEOUT_MS = 300_000;

/**
 * With `normal` it reads grub.cfg beside the words. By what only this installation has: another disk may have the same labels.
 * Where two disks are copies of each other, the one that the firmware starts comes first.
 */
const early = ({
  number,
  id,
}: SlotPlace): string => `search --no-floppy --set=root --fs-uuid ${id} --hint=hd0,gpt${number}
set prefix=($root)/grub
`;

/** @param arch  Node's name of a processor. @returns undefined where it has none of ours */
export function efiFileName(arch: string): string | undefined {
  return EFI[arch]?.[1];
}

/**
 * @param folder  the installation's own
 * @throws InstallError INSTALL_BOOT_LOADER_MISSING, SlotError
 */
export async function makeBootLoader(arch: string, oem: SlotPlace, folder: string): Promise<BootLoader> {
  return withWorkFiles(folder, async (files) => {
    const earlyFile = join(files, "early.cfg");
    await writeWorkFile(earlyFile, early(oem));
    const make = async (target: string, modules: readonly string[]): Promise<Buffer> => {
      const file = join(files, target);
      const args = ["-O", target, "-o", file, "-p", "/grub", "-c", earlyFile, ...modules];
      await runProgram({ program: "grub-mkimage", args, timeoutMs: MAKE_TIMEOUT_MS, from: "grub-common" });
      return readFileSync(file);
    };
    const [efiTarget, fileName] = EFI[arch] ?? ["", ""];
    const hasEfi = efiTarget !== "" && existsSync(`${FOLDER}/${efiTarget}/moddep.lst`);
    const hasBios = arch === "x64" && existsSync(`${FOLDER}/i386-pc/boot.img`);
    requireForThisStart(hasEfi, hasBios);
    return {
      efi: hasEfi ? { image: await make(efiTarget, [...MODULES, "efi_gop", "all_video"]), fileName } : undefined,
      bios: hasBios
        ? { boot: readFileSync(`${FOLDER}/i386-pc/boot.img`), core: await make("i386-pc", [...MODULES, "biosdisk"]) }
        : undefined,
    };
  });
}

/** It will start the way in which the live system was started. */
function requireForThisStart(hasEfi: boolean, hasBios: boolean): void {
  const isEfi = existsSync("/sys/firmware/efi");
  if (isEfi ? hasEfi : hasBios) return;
  const what = isEfi ? "UEFI (grub-efi-amd64-bin)" : "BIOS (grub-pc-bin)";
  throw new InstallError("INSTALL_BOOT_LOADER_MISSING", `GRUB for ${what} is not below ${FOLDER}`);
}
