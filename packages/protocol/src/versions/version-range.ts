/** Ranges of versions, in the syntax and with the meaning that npm's have: ^1.2.0, ~1.2, 1.x, >=1.0.0 <2.0.0 || 3.x. */
import { compareVersions, parseVersion, type Version } from "./version.ts";

type Operator = "<" | "<=" | ">" | ">=" | "=";

interface Bound {
  readonly operator: Operator;
  readonly version: Version;
}

/** One of the sets must hold, and of a set all bounds. */
export interface VersionRange {
  readonly sets: readonly (readonly Bound[])[];
  readonly withPreReleases: boolean;
}

export const RANGE_MAX_CHARACTERS = 256;
const MAX_SETS = 16;
const MAX_BOUNDS = 16;

const PARTIAL =
  /^[vV]?(0|[1-9][0-9]*|[xX*])(?:[.](0|[1-9][0-9]*|[xX*])(?:[.](0|[1-9][0-9]*|[xX*])(-[0-9A-Za-z.-]+)?(?:[+][0-9A-Za-z.-]+)?)?)?$/;
const WORD = /^(\^|~>?|<=|>=|<|>|=)?(.*)$/;

/** A version with parts left open. */
interface Partial {
  /** Of major, minor and patch those that are given. */
  readonly given: readonly string[];
  readonly pre: readonly string[];
}

function readPartial(text: string): Partial | undefined {
  const match = PARTIAL.exec(text);
  if (match === null) return undefined;
  const [, ...parts] = match;
  const numbers = parts.slice(0, 3);
  const open = numbers.findIndex((one) => one === undefined || /^[xX*]$/.test(one));
  const given = (open === -1 ? numbers : numbers.slice(0, open)).filter((one) => one !== undefined);
  const pre = parts[3];
  if (pre === undefined || open !== -1) return { given, pre: [] };
  const version = parseVersion(`${given.join(".")}${pre}`);
  return version === undefined ? undefined : { given, pre: version.pre };
}

function next(number: string): string {
  return String(BigInt(number) + 1n);
}

/** The first version that does not begin with these numbers, before its own pre-releases. */
function after(given: readonly string[]): Version {
  const [major = "0", minor, patch] = given;
  if (minor === undefined) return { main: [next(major), "0", "0"], pre: ["0"] };
  if (patch === undefined) return { main: [major, next(minor), "0"], pre: ["0"] };
  return { main: [major, minor, next(patch)], pre: ["0"] };
}

function caretEnd(given: readonly string[]): Version {
  const [major = "0", minor, patch] = given;
  if (major !== "0" || minor === undefined) return after([major]);
  if (minor !== "0" || patch === undefined) return after([major, minor]);
  return after(given);
}

const NOTHING: readonly Bound[] = [{ operator: "<", version: { main: ["0", "0", "0"], pre: ["0"] } }];

function from(partial: Partial, withPreReleases: boolean): Bound {
  const [major = "0", minor = "0", patch = "0"] = partial.given;
  // What is left open begins before the first release, where pre-releases count.
  const pre = partial.given.length < 3 && withPreReleases ? ["0"] : partial.pre;
  return { operator: ">=", version: { main: [major, minor, patch], pre } };
}

/** A version with parts left open stands for all versions that begin with it. */
function openBounds(operator: string, partial: Partial, withPreReleases: boolean): readonly Bound[] {
  const first = from(partial, withPreReleases);
  const end: Bound = { operator: "<", version: after(partial.given) };
  if (operator === ">=") return [first];
  if (operator === "<=") return [end];
  if (operator === "<") return [{ operator, version: { ...first.version, pre: ["0"] } }];
  if (operator === ">") return [{ operator: ">=", version: { ...end.version, pre: withPreReleases ? ["0"] : [] } }];
  return [first, end];
}

/** @returns the bounds that one word stands for; none where it lets everything in */
function boundsOf(operator: string, partial: Partial, withPreReleases: boolean): readonly Bound[] {
  const { given } = partial;
  if (given.length === 0) return operator === "<" || operator === ">" ? NOTHING : [];
  const first = from(partial, withPreReleases);
  if (operator === "^") return [first, { operator: "<", version: caretEnd(given) }];
  if (operator === "~" || operator === "~>") return [first, { operator: "<", version: after(given.slice(0, 2)) }];
  if (given.length < 3) return openBounds(operator, partial, withPreReleases);
  const known = (["<", "<=", ">", ">="] as const).find((one) => one === operator);
  return [{ ...first, operator: known ?? "=" }];
}

function readWord(word: string, withPreReleases: boolean): readonly Bound[] | undefined {
  const [, operator = "", rest = ""] = WORD.exec(word) ?? [];
  const partial = readPartial(rest);
  return partial === undefined ? undefined : boundsOf(operator, partial, withPreReleases);
}

function readSet(text: string, withPreReleases: boolean): readonly Bound[] | undefined {
  const [, from, to] = /^(\S+)\s+-\s+(\S+)$/.exec(text) ?? [];
  // An operator may stand apart from its version.
  const joined = from === undefined ? text.replaceAll(/([<>=^~]+)\s+/g, "$1") : `>=${from} <=${to ?? ""}`;
  const words = joined.split(/[\s,]+/).filter((word) => word !== "");
  if (words.length > MAX_BOUNDS) return undefined;
  const bounds: Bound[] = [];
  for (const word of words) {
    const read = readWord(word, withPreReleases);
    if (read === undefined) return undefined;
    bounds.push(...read);
  }
  return bounds;
}

/**
 * @param withPreReleases  whether v1.1.0-rc1 is in ^1.0.0
 * @returns undefined where it is no range
 * Source: node-semver's README, "Ranges"
 */
export function parseVersionRange(text: string, withPreReleases: boolean): VersionRange | undefined {
  if (text.length > RANGE_MAX_CHARACTERS) return undefined;
  const parts = text.split("||").map((part) => part.trim());
  if (parts.length > MAX_SETS) return undefined;
  const sets: (readonly Bound[])[] = [];
  for (const part of parts) {
    const set = readSet(part, withPreReleases);
    if (set === undefined) return undefined;
    sets.push(set);
  }
  return { sets, withPreReleases };
}

const HOLDS: Readonly<Record<Operator, (difference: number) => boolean>> = {
  "<": (difference) => difference < 0,
  "<=": (difference) => difference <= 0,
  ">": (difference) => difference > 0,
  ">=": (difference) => difference >= 0,
  "=": (difference) => difference === 0,
};

/** Unless they all count, a pre-release is in where the range names a pre-release of the same version. */
function isInvited(set: readonly Bound[], tried: Version): boolean {
  return set.some(({ version }) => version.pre.length > 0 && version.main.every((part, at) => part === tried.main[at]));
}

export function isInRange({ sets, withPreReleases }: VersionRange, tried: Version): boolean {
  return sets.some((set) => {
    if (!set.every(({ operator, version }) => HOLDS[operator](compareVersions(tried, version)))) return false;
    return withPreReleases || tried.pre.length === 0 || isInvited(set, tried);
  });
}
