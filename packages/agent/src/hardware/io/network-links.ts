/** What the kernel says of its network interfaces: sysfs, addresses, and the tables of routes. No process is started. */
import { createReadStream } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";

import { defaultRouteInterfaces } from "../default-routes.ts";

const NETWORK = "/sys/class/net";
const VIRTUAL_NETWORK = "/sys/devices/virtual/net";
/** A router may know a million routes: some 30,000 are looked at. IPv4's default route is the first one. */
const MAX_ROUTES_BYTES = 4 * 1024 * 1024;

/** All network interfaces, also those that are down and those without an address. */
export async function readLinks(): Promise<readonly unknown[]> {
  const [names, virtualNames, ipv4Routes, ipv6Routes] = await Promise.all([
    readNames(NETWORK),
    readNames(VIRTUAL_NETWORK),
    readRoutes("/proc/net/route"),
    readRoutes("/proc/net/ipv6_route"),
  ]);
  const virtual = new Set(virtualNames);
  const defaults = defaultRouteInterfaces(ipv4Routes, ipv6Routes);
  const addresses = addressesByName();
  return Promise.all(
    names
      .filter((name) => name !== "bonding_masters")
      .map(async (name) => ({
        name,
        virtual: virtual.has(name),
        address: await readText(path.join(NETWORK, name, "address")),
        state: await readText(path.join(NETWORK, name, "operstate")),
        speed: await readText(path.join(NETWORK, name, "speed")),
        mtu: await readText(path.join(NETWORK, name, "mtu")),
        default: defaults.has(name),
        addresses: addresses.get(name) ?? [],
      })),
  );
}

/** None where the kernel does not tell: an interface is one without them too. */
function addressesByName(): ReadonlyMap<string, readonly unknown[]> {
  try {
    return new Map(Object.entries(networkInterfaces()).map(([name, addresses = []]) => [name, addresses]));
  } catch {
    return new Map();
  }
}

/** "" where the kernel has no such table: one without IPv6. */
async function readRoutes(file: string): Promise<string> {
  try {
    return await text(createReadStream(file, { end: MAX_ROUTES_BYTES - 1 }));
  } catch {
    return "";
  }
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
