/** What package-lock.json says about installed packages. */
import { readFileSync } from "node:fs";
import path from "node:path";

export interface LockedPackage {
  readonly version: string;
  /** As npm writes it: sha512-BASE64. */
  readonly integrity: string;
  /** An SPDX expression. */
  readonly license: string;
  /** Names of the packages that it asks for. */
  readonly dependencies: readonly string[];
}

/** By place: node_modules/ws. @throws Error  a lockfile without packages */
export function lockedPackages(root: string): ReadonlyMap<string, LockedPackage> {
  const lock: unknown = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8"));
  const packages = record(record(lock)["packages"]);
  return new Map(
    Object.entries(packages).flatMap(([place, value]) => {
      const { version, integrity, license, dependencies } = record(value);
      if (typeof version !== "string" || typeof integrity !== "string") return [];
      const licence = typeof license === "string" ? license : "";
      return [[place, { version, integrity, license: licence, dependencies: Object.keys(record(dependencies)) }]];
    }),
  );
}

/** @throws Error  no such package in the lockfile */
export function lockedPackage(root: string, place: string): LockedPackage {
  const found = lockedPackages(root).get(place);
  if (found === undefined) throw new Error(`package-lock.json has no ${place}`);
  return found;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
