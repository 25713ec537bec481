/** What nobody asked for erases no installed system: it was probably started from the network or a medium by accident. */
import { isCodedError } from "@rancheros/protocol/errors";

import type { Disk, DiskRule } from "./disk.ts";
import { InstallError } from "./errors.ts";
import type { Installation } from "./judge-installation.ts";
import type { Reinstall } from "./settings.ts";

export type ReadInstallation = (disk: Disk) => Promise<Installation>;

/**
 * Of a machine that was given no disk by name any of them may be the one that it starts from: also one in use, too small, or
 * not wanted, as its place would be taken by a disk with data.
 * @param chosen  the disk that would be erased; undefined: none is chosen yet, or there is none of the name that was given
 * @returns the disks that have to be free of an installation
 */
export function guardedDisks(disks: readonly Disk[], { device }: DiskRule, chosen: Disk | undefined): readonly Disk[] {
  if (device !== undefined) return chosen === undefined ? [] : [chosen];
  return disks.filter(({ kind }) => kind !== "loop");
}

/**
 * @param reinstall  by the settings: whether what was not installed under their name may be erased, or nothing
 * @returns why nothing may be erased; undefined where nothing is against it
 * @throws SlotError
 */
export async function whyKept(
  disks: readonly Disk[],
  read: ReadInstallation,
  reinstall: Exclude<Reinstall, { readonly kind: "always" }>,
): Promise<InstallError | undefined> {
  let unclear: InstallError | undefined;
  for (const disk of disks) {
    const found = await read(disk);
    if (found.kind === "whole" && (reinstall.kind === "never" || found.reinstall === reinstall.name)) {
      const why =
        reinstall.kind === "never"
          ? "nothing says that it may be erased"
          : `it was made under the name of reinstall, ${reinstall.name}, already`;
      return kept(disk, `${disk.path} holds a whole installation (${found.reference}), and ${why}`);
    }
    if (found.kind === "unclear") unclear ??= kept(disk, `${disk.path} may hold an installation: ${found.why}`);
  }
  return unclear;
}

function kept({ path }: Disk, message: string): InstallError {
  return new InstallError("INSTALL_DISK_INSTALLED", message, { details: { device: path } });
}

/** For people, who decide themselves: what cannot be found out keeps nobody from anything. */
export async function installationForPeople(disk: Disk, read: ReadInstallation): Promise<Installation> {
  try {
    return await read(disk);
  } catch (error) {
    if (isCodedError(error) && error.failure !== "interrupted") return { kind: "unclear", why: error.message };
    throw error;
  }
}
