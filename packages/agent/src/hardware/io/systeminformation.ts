/** Asks systeminformation and sysfs. A process of its own runs this, for it may block or hang: see collector.ts. */
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { blockDevices, cpu, mem, networkInterfaces } from "systeminformation";

const NETWORK = "/sys/class/net";
const VIRTUAL_NETWORK = "/sys/devices/virtual/net";
const VIRTUAL_DISKS = "/sys/devices/virtual/block";

/**
 * What `hardwareOf` takes.
 *
 * Not diskLayout: it leaves out disks that virtual machines have, and asks smartctl, which wakes sleeping disks. Not
 * memLayout: it needs dmidecode and makes up a module where that is missing; what is plugged in is in the SMBIOS.
 */
export async function collectHardware(): Promise<unknown> {
  const [processor, memory, disks, interfaces, links, virtualDisks] = await Promise.all([
    cpu(),
    mem(),
    blockDevices(),
    networkInterfaces(),
    readLinks(),
    readNames(VIRTUAL_DISKS),
  ]);
  return {
    cpu: processor,
    memory,
    disks,
    networkInterfaces: interfaces,
    links,
    virtualDisks: virtualDisks.map((name) => ({ name })),
  };
}

/** All network interfaces, also those that are down. */
async function readLinks(): Promise<readonly unknown[]> {
  const virtual = new Set(await readNames(VIRTUAL_NETWORK));
  return Promise.all(
    (await readNames(NETWORK))
      .filter((name) => name !== "bonding_masters")
      .map(async (name) => ({
        name,
        virtual: virtual.has(name),
        address: await readText(path.join(NETWORK, name, "address")),
        state: await readText(path.join(NETWORK, name, "operstate")),
      })),
  );
}

/** None where sysfs has no such folder: a kernel without the subsystem. */
async function readNames(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}

/** "" where an interface went away meanwhile or has no such property. */
async function readText(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch {
    return "";
  }
}
