/**
 * MachineInventories as far as they can be read. A newer operator may have written words into the status that this one does
 * not know: those are left out, and written over when there is something to write. Of the spec nothing is left out, since it
 * says what people want, but taints that no node takes; see usable-taints.ts.
 */
import { parseMachineInventory, type MachineInventory } from "@rancheros/protocol/resources";
import { UNKNOWN_PHASE } from "./rollout-facts.ts";
import { withUsableTaints } from "./usable-taints.ts";

/** Names of fields and numbers of items, from the object down. */
export type FieldPath = readonly string[];

export type ReadableInventory =
  | {
      readonly ok: true;
      readonly inventory: MachineInventory;
      /** What was left out of its status. */
      readonly leftOut: readonly FieldPath[];
      /** Only there where taints were left out of its spec; see UsableTaints. */
      readonly taintProblems?: readonly string[];
    }
  /** problems: one sentence for each bad field that is not of the status */
  | { readonly ok: false; readonly problems: readonly string[] };

const NOTHING: readonly FieldPath[] = [];
/** So many times what is bad is left out by itself, and then the whole field of the status that it is in. */
const EXACT_TIMES = 4;
/** More than these and all fields of the status, each of which goes once: then the status goes. */
const TIMES = 24;
const PHASE: FieldPath = ["status", "upgrade", "phase"];

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function pathOf(pointer: string): FieldPath {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function isSame(a: FieldPath, b: FieldPath): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index]);
}

/** The same value without what the paths lead to. */
function without(value: unknown, paths: readonly FieldPath[]): unknown {
  const below = (key: string): readonly FieldPath[] =>
    paths.filter(([first]) => first === key).map((path) => path.slice(1));
  const keep = (key: string, item: unknown): readonly unknown[] => {
    const rests = below(key);
    if (rests.length === 0) return [item];
    return rests.some((rest) => rest.length === 0) ? [] : [without(item, rests)];
  };
  if (Array.isArray(value)) return value.flatMap((item, index) => keep(String(index), item));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => keep(key, item).map((kept) => [key, kept])));
}

/** How far the upgrade is nobody here knows, only that there is one. */
function withPhase(object: unknown): unknown {
  if (!isMap(object) || !isMap(object["status"]) || !isMap(object["status"]["upgrade"])) return object;
  const { status } = object;
  const { upgrade } = object["status"];
  return { ...object, status: { ...status, upgrade: { ...upgrade, phase: UNKNOWN_PHASE } } };
}

/** @param object  of the API server */
export function readableInventory(object: unknown): ReadableInventory {
  const { object: usable, problems } = withUsableTaints(object);
  const read = readableStatus(usable);
  return read.ok && problems.length > 0 ? { ...read, taintProblems: problems } : read;
}

function readableStatus(object: unknown): ReadableInventory {
  let parsed = parseMachineInventory(object);
  if (parsed.ok) return { ok: true, inventory: parsed.value, leftOut: NOTHING };
  let rest = object;
  const leftOut: FieldPath[] = [];
  for (let count = 0; !parsed.ok; count += 1) {
    const paths = parsed.pointers.map(pathOf);
    const bad = paths.filter(([first]) => first === "status");
    if (bad.length < paths.length) {
      return { ok: false, problems: parsed.problems.filter((one) => !/^[/]status[/ ]/.test(one)) };
    }
    const length = count < EXACT_TIMES ? undefined : count < TIMES ? 2 : 1;
    const less = bad.map((path) => path.slice(0, length));
    rest = without(rest, less);
    if (less.some((path) => isSame(path, PHASE))) rest = withPhase(rest);
    leftOut.push(...less);
    parsed = parseMachineInventory(rest);
  }
  return { ok: true, inventory: parsed.value, leftOut };
}

/**
 * What is written of the status, so that nothing stays in the fields that it writes which could not be read: in a merge
 * patch, what is not named stays. But what a machine has proved stays until it is proved anew.
 */
export function overLeftOut(
  status: Readonly<Record<string, unknown>>,
  leftOut: readonly FieldPath[],
): Readonly<Record<string, unknown>> {
  let written = status;
  for (const [, field, ...below] of leftOut) {
    if (field === undefined || field === "attestation" || !isMap(written[field])) continue;
    written = { ...written, [field]: withNull(written[field], below) };
  }
  return written;
}

/**
 * The same where nothing bad may stay anywhere: the API servers of Kubernetes before 1.30 take no object beside it, whatever
 * is written. The other fields are written as far as they can be read.
 */
export function overAllLeftOut(
  status: Readonly<Record<string, unknown>>,
  leftOut: readonly FieldPath[],
  inventory: MachineInventory,
): Readonly<Record<string, unknown>> {
  const read: Readonly<Record<string, unknown>> = inventory.status ?? {};
  let written = status;
  for (const [, field, ...below] of leftOut) {
    if (field === undefined) continue;
    const value = written[field] ?? read[field] ?? null;
    written = { ...written, [field]: isMap(value) ? withNull(value, below) : value };
  }
  return written;
}

function withNull(written: Readonly<Record<string, unknown>>, [key, ...below]: FieldPath): unknown {
  if (key === undefined) return written;
  const there = written[key];
  if (there === undefined) return { ...written, [key]: below.length === 0 ? null : withNull({}, below) };
  return isMap(there) ? { ...written, [key]: withNull(there, below) } : written;
}
