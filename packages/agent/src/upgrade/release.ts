/** Release files: which operating system an image holds, which one runs, and which of the two is older. */
import { createHash } from "node:crypto";

/** In the order in which suc-upgrade looks for them: that of RancherOS, then what every system has. */
export const RELEASE_FILES = ["/usr/lib/rancheros-release", "/etc/os-release"] as const;
/** A link from there leads here in most images. */
export const OS_RELEASE_BEHIND_LINK = "/usr/lib/os-release";
export const RELEASE_MAX_BYTES = 64 * 1024;

export interface Release {
  /** Of RELEASE_FILES. */
  readonly path: string;
  /** SHA-256 of the file, hex. */
  readonly sha256: string;
  /** Of the image without its tag, where the file tells. */
  readonly repository: string | undefined;
  readonly version: string | undefined;
}

/**
 * @param path  of RELEASE_FILES
 * Source: os-release(5); RancherOS' and Elemental's IMAGE, IMAGE_REPO and IMAGE_TAG
 */
export function releaseOf(path: string, content: Uint8Array): Release {
  const values = new Map<string, string>();
  for (const line of Buffer.from(content).toString("utf8").split("\n")) {
    const match = /^([A-Z][A-Z0-9_]*)=(?:"([^"]*)"|'([^']*)'|(\S*))\s*$/.exec(line);
    if (match !== null) values.set(match[1] ?? "", match[2] ?? match[3] ?? match[4] ?? "");
  }
  const [, repository, tag] = /^(.+?)(?::([^:/@]+))?$/.exec(values.get("IMAGE") ?? "") ?? [];
  return {
    path,
    sha256: createHash("sha256").update(content).digest("hex"),
    repository: values.get("IMAGE_REPO") ?? repository ?? values.get("ID"),
    version: values.get("IMAGE_TAG") ?? tag ?? values.get("VERSION_ID"),
  };
}

/** Whether the image is older than what runs: said only of two versions of the same system. */
export function isDowngrade(running: Release, image: Release): boolean {
  if (running.path !== image.path || running.repository !== image.repository) return false;
  if (running.version === undefined || image.version === undefined) return false;
  return compareVersions(image.version, running.version) < 0;
}

/**
 * By numbers where both have numbers, and a pre-release (v1.0.0-rc1) before its release.
 * @returns below 0 where the first is older
 */
export function compareVersions(one: string, other: string): number {
  const [oneMain, onePre] = parts(one);
  const [otherMain, otherPre] = parts(other);
  const main = compareRuns(oneMain, otherMain);
  if (main !== 0) return main;
  if (onePre === undefined || otherPre === undefined) {
    return Number(otherPre !== undefined) - Number(onePre !== undefined);
  }
  return compareRuns(onePre, otherPre);
}

/** What follows a + says how it was built, not how new it is. */
function parts(version: string): readonly [main: string, pre: string | undefined] {
  const [, main = "", pre] = /^v?([^-+]*)(?:-([^+]*))?/i.exec(version) ?? [];
  return [main, pre];
}

function compareRuns(one: string, other: string): number {
  const oneRuns = one.match(/\d+|[a-z]+/gi) ?? [];
  const otherRuns = other.match(/\d+|[a-z]+/gi) ?? [];
  for (let index = 0; index < Math.max(oneRuns.length, otherRuns.length); index++) {
    const difference = compareRun(oneRuns[index], otherRuns[index]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** v1.2 is v1.2.0; a number is newer than a word. */
function compareRun(one: string | undefined, other: string | undefined): number {
  const oneNumber = numberOf(one ?? "0");
  const otherNumber = numberOf(other ?? "0");
  if (oneNumber !== undefined && otherNumber !== undefined) {
    return oneNumber < otherNumber ? -1 : Number(oneNumber > otherNumber);
  }
  if (oneNumber !== undefined || otherNumber !== undefined) return oneNumber === undefined ? -1 : 1;
  const [a, b] = [one ?? "", other ?? ""];
  return a < b ? -1 : Number(a > b);
}

function numberOf(run: string): bigint | undefined {
  return /^\d{1,64}$/.test(run) ? BigInt(run) : undefined;
}
