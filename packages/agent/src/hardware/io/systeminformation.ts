/** Asks systeminformation and the kernel. A process of its own runs this, for it may block or hang: see collector.ts. */
import { readdir } from "node:fs/promises";
import { blockDevices, cpu, mem } from "systeminformation";

import { readLinks } from "./network-links.ts";

const VIRTUAL_DISKS = "/sys/devices/virtual/block";

/**
 * What `hardwareOf` takes.
 *
 * Not diskLayout: it leaves out disks that virtual machines have, and asks smartctl, which wakes sleeping disks. Not
 * memLayout: it needs dmidecode and makes up a module where that is missing; what is plugged in is in the SMBIOS. Not networkInterfaces: it starts dozens of
 * processes for each of them, and a node has one for each pod.
 */
export async function collectHardware(): Promise<unknown> {
  const [processor, memory, disks, links, virtualDisks] = await Promise.all([
    cpu(),
    mem(),
    blockDevices(),
    readLinks(),
    readNames(VIRTUAL_DISKS),
  ]);
  return {
    cpu: processor,
    memory,
    disks,
    links,
    virtualDisks: virtualDisks.map((name) => ({ name })),
  };
}

/** None where sysfs has no such folder: a kernel without the subsystem. */
async function readNames(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}
