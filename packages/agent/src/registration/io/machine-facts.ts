/** What the operating system knows of this machine: its name, its addresses, its release. */
import { readFile } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";

import type { MachineFacts } from "../machine-report.ts";

const OS_RELEASE = ["/etc/os-release", "/usr/lib/os-release"] as const;
const MAX_OS_RELEASE_CHARACTERS = 16 * 1024;

/** Never fails: what cannot be read is empty. */
export async function readMachineFacts(): Promise<MachineFacts> {
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const addresses = found
    .filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
    .map(({ address }) => address);
  return { hostname: hostname(), addresses: [...new Set(addresses)], osRelease: await readOsRelease() };
}

async function readOsRelease(): Promise<string> {
  for (const path of OS_RELEASE) {
    const text = await readFile(path, "utf8").catch(() => "");
    if (text !== "") return text.slice(0, MAX_OS_RELEASE_CHARACTERS);
  }
  return "";
}
