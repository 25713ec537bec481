/** What ctr prints, as far as it is needed. */
import { ContainerError } from "../errors.ts";

/**
 * Of `ctr containers info`, which is JSON; the specification in it holds secrets and is not looked at.
 * @throws ContainerError CONTAINER_NONSENSE
 */
export function containerLabels(printed: string): Readonly<Record<string, string>> {
  const container = parseJson(printed, "the description of a container");
  const labels = isRecord(container) ? (container["Labels"] ?? {}) : undefined;
  if (!isRecord(labels)) throw nonsense("the description of a container has no labels");
  return Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) => (typeof value === "string" ? [[key, value] as const] : [])),
  );
}

/** ctr has one exit code for everything that went wrong. */
export function saysNotFound(stderr: string): boolean {
  return /not found|no running task/i.test(stderr);
}

/** The second of the folder of a task, and the third of its cgroup, which a task of the same name still has. */
export function saysAlreadyExists(stderr: string): boolean {
  return /already exists|: file exists|cgroup is not empty/i.test(stderr);
}

/** Of a flag that this version does not have. Source: urfave/cli and Go's flag package. */
export function saysUnknownFlag(stderr: string, flag: string): boolean {
  return stderr.includes(`flag provided but not defined: -${flag}`);
}

export interface StoredImage {
  readonly name: string;
  readonly digest: string;
}

/** Of `ctr images ls`: columns REF, TYPE, DIGEST and more. @throws ContainerError CONTAINER_NONSENSE */
export function storedImages(printed: string): readonly StoredImage[] {
  const [heading, ...rows] = printed.split("\n").filter((line) => line.trim() !== "");
  if (heading === undefined || !/^REF\s+TYPE\s+DIGEST/.test(heading))
    throw nonsense("the list of images has no heading");
  return rows.flatMap((row) => {
    const [name, , digest] = row.trim().split(/\s+/);
    return name === undefined || digest === undefined ? [] : [{ name, digest }];
  });
}

export interface ImageUser {
  readonly container: string;
  readonly image: string;
}

/** Of `ctr containers ls`: columns CONTAINER, IMAGE ("-" for none) and RUNTIME. @throws ContainerError CONTAINER_NONSENSE */
export function imageUsers(printed: string): readonly ImageUser[] {
  const [heading, ...rows] = printed.split("\n").filter((line) => line.trim() !== "");
  if (heading === undefined || !/^CONTAINER\s+IMAGE\b/.test(heading))
    throw nonsense("the list of containers has no heading");
  return rows.flatMap((row) => {
    const [container, image] = row.trim().split(/\s+/);
    return container === undefined || image === undefined ? [] : [{ container, image }];
  });
}

/**
 * Of `ctr images check`: whether containers of it can be made on this machine. Columns REF, TYPE, DIGEST, STATUS
 * ("complete (2/2)"), SIZE, UNPACKED. Of what is unpacked, a containerd may be set to throw the compressed layers away.
 */
export function isImageRunnable(printed: string, name: string): boolean {
  const row = printed.split("\n").find((line) => line.startsWith(`${name} `));
  return row !== undefined && /\strue\s*$/.test(row);
}

const HUMAN_UNITS: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, PB: 1e15 };
/** It prints four digits. */
const HUMAN_ROUNDING = 0.999;

/**
 * Of `ctr content active`: columns REF, SIZE ("16.78MB") and AGE. What is not understood counts as nothing.
 * @returns at least so many bytes are there of each, by reference
 */
export function ingestedBytes(printed: string): ReadonlyMap<string, number> {
  const rows = printed.split("\n").map((line) => line.trim().split(/\s+/));
  return new Map(
    rows.flatMap(([reference = "", size = ""]) => {
      const [, number, unit = ""] = /^(\d{1,4}(?:\.\d{1,3})?)([kMGTP]?B)$/.exec(size) ?? [];
      const bytes = Math.floor(Number(number ?? 0) * (HUMAN_UNITS[unit] ?? 0) * HUMAN_ROUNDING);
      return bytes > 0 ? [[reference, bytes] as const] : [];
    }),
  );
}

/** Of `ctr snapshots ls`: columns KEY, PARENT (often empty) and KIND. Those of layers are named after all layers up to them. */
export function committedSnapshots(printed: string): ReadonlySet<string> {
  const rows = printed.split("\n").map((line) => line.trim().split(/\s+/));
  return new Set(rows.flatMap((row) => (row.at(-1) === "Committed" ? row.slice(0, 1) : [])));
}

/** Of `ctr plugins ls --detailed`: where a plugin keeps its data; undefined where it does not tell. */
export function pluginRoot(printed: string, type: string, id: string): string | undefined {
  for (const block of printed.split(/^(?=Type:)/m)) {
    const field = (name: string): string | undefined => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(block)?.[1];
    if (field("Type") === type && field("ID") === id) return /^\s+root\s+(\/\S*)/m.exec(block)?.[1];
  }
  return undefined;
}

export function parseJson(printed: string, what: string): unknown {
  try {
    return JSON.parse(printed);
  } catch (cause) {
    throw new ContainerError("CONTAINER_NONSENSE", `${what} is not JSON`, { cause });
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nonsense(what: string): ContainerError {
  return new ContainerError("CONTAINER_NONSENSE", `ctr said what is not understood: ${what}`);
}
