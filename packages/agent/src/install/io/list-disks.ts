/** The disks of this machine, by lsblk. */
import { readdirSync, realpathSync } from "node:fs";

import { runProgram } from "../../slots/index.ts";
import { parseDisks } from "../parse-disks.ts";
import { unknownDevices } from "../unknown-devices.ts";
import type { Disk } from "../disk.ts";
import { probeDevices } from "./probe-devices.ts";

const COLUMNS = "NAME,PATH,TYPE,SIZE,RO,RM,ROTA,TRAN,MODEL,SERIAL,FSTYPE,LABEL,PARTLABEL,MOUNTPOINTS";
const NAME_FOLDERS = ["/dev/disk/by-id", "/dev/disk/by-path"] as const;

/** @throws SlotError SLOT_TOOL_MISSING, SLOT_TOOL_FAILED; InstallError INSTALL_NO_DISK for an answer that makes no sense */
export async function listDisks(): Promise<readonly Disk[]> {
  const text = await runProgram({
    program: "lsblk",
    args: ["--json", "--bytes", "--output", COLUMNS],
    from: "util-linux",
  });
  return parseDisks(text, otherNames(), await probeDevices(unknownDevices(text)));
}

/** By path of the device. */
function otherNames(): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const folder of NAME_FOLDERS) {
    for (const name of namesIn(folder)) {
      try {
        const device = realpathSync(`${folder}/${name}`);
        names.set(device, [...(names.get(device) ?? []), `${folder}/${name}`]);
      } catch {
        // It has gone since.
      }
    }
  }
  return names;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
