/** What the operating system knows of this machine: its name, its addresses, its release. */
import { readFile } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";

import type { MachineFacts } from "../machine-report.ts";

const OS_RELEASE = ["/etc/os-release", "/usr/lib/os-release"] as const;
const MAX_OS_RELEASE_CHARACTERS = 16 * 1024;

/**
 * Never fails: what cannot be read is empty.
 * @param hostRoot  where the machine's / is
 */
export async function readMachineFacts(hostRoot: string): Promise<MachineFacts> {
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const addresses = found
    .filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
    .map(({ address }) => address);
  return { hostname: hostname(), addresses: [...new Set(addresses)], osRelease: await readOsRelease(hostRoot) };
}

async function readOsRelease(hostRoot: string): Promise<string> {
  for (const path of OS_RELEASE) {
    const text = await readFile(join(hostRoot, path), "utf8").catch(() => "");
    if (text !== "") return text.slice(0, MAX_OS_RELEASE_CHARACTERS);
  }
  return "";
}
