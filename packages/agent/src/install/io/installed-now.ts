/** What an earlier attempt of this start has installed to its end, when it was killed before it could say so. */
import { isCodedError } from "@rancheros/protocol/errors";

import { bootMoment } from "../../slots/index.ts";
import { findNamed } from "../choose-disk.ts";
import type { Disk } from "../disk.ts";
import type { AfterInstall } from "../install-record.ts";
import { listDisks } from "./list-disks.ts";
import { readInstallation } from "./read-installation.ts";

/**
 * @param device  the only disk that is looked at; undefined: all
 * @returns undefined where there is none, or it cannot be told: whoever installs looks again
 * @throws SlotError SLOT_INTERRUPTED
 */
export async function findInstalledNow(
  device: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly after: AfterInstall } | undefined> {
  const { bootId } = bootMoment();
  try {
    for (const { path } of lookedAt(await listDisks(), device)) {
      const found = await readInstallation(path, signal);
      if (found.kind === "whole" && found.bootId === bootId) return { after: found.after };
    }
  } catch (error) {
    if (!isCodedError(error) || error.failure === "interrupted") throw error;
  }
  return undefined;
}

function lookedAt(disks: readonly Disk[], device: string | undefined): readonly Disk[] {
  if (device === undefined) return disks.filter(({ kind }) => kind !== "loop");
  const named = findNamed(disks, device);
  return named === undefined ? [] : [named];
}
