/** Versions as Semantic Versioning 2.0.0 has them, with a v before them where people and tags write one. */

const NUMBER = "(0|[1-9][0-9]*)";
const PRE = "(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)";
/** For schemas and CEL as well: nothing in it that RE2 does not know. */
export const VERSION_PATTERN = `^[vV]?${NUMBER}[.]${NUMBER}[.]${NUMBER}(?:-(${PRE}(?:[.]${PRE})*))?(?:[+]([0-9A-Za-z-]+(?:[.][0-9A-Za-z-]+)*))?$`;
export const VERSION_MAX_CHARACTERS = 128;

const VERSION = new RegExp(VERSION_PATTERN);
const SHORT = /^[vV]?(0|[1-9][0-9]*)(?:[.](0|[1-9][0-9]*))?$/;

/** Numbers are kept as their digits: they may be longer than any number type is exact for. */
export interface Version {
  readonly main: readonly [major: string, minor: string, patch: string];
  /** Identifiers between the hyphen and the plus sign; empty for a release. */
  readonly pre: readonly string[];
}

/** @returns undefined where it is no version of Semantic Versioning; what is behind a plus sign is read, and of no account */
export function parseVersion(text: string): Version | undefined {
  if (text.length > VERSION_MAX_CHARACTERS) return undefined;
  const match = VERSION.exec(text);
  if (match === null) return undefined;
  const [, major = "0", minor = "0", patch = "0", pre] = match;
  return { main: [major, minor, patch], pre: pre === undefined ? [] : pre.split(".") };
}

/** As machines report theirs: 12 is 12.0.0, and 1.2 is 1.2.0. */
export function parseShortVersion(text: string): Version | undefined {
  const [, major, minor] = (text.length <= VERSION_MAX_CHARACTERS ? SHORT.exec(text) : null) ?? [];
  return major === undefined ? parseVersion(text) : { main: [major, minor ?? "0", "0"], pre: [] };
}

const DIGITS = /^[0-9]+$/;

function compareTexts(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

function compareNumbers(one: string, other: string): number {
  return one.length - other.length || compareTexts(one, other);
}

function compareIdentifiers(one: string, other: string): number {
  const [isNumber, isOtherNumber] = [DIGITS.test(one), DIGITS.test(other)];
  if (isNumber && isOtherNumber) return compareNumbers(one, other);
  return isNumber === isOtherNumber ? compareTexts(one, other) : isNumber ? -1 : 1;
}

/** @returns below 0 where the first is older, 0 where they are equally new. Source: Semantic Versioning 2.0.0, item 11 */
export function compareVersions(one: Version, other: Version): number {
  for (const [index, number] of one.main.entries()) {
    const difference = compareNumbers(number, other.main[index] ?? "0");
    if (difference !== 0) return difference;
  }
  if (one.pre.length === 0 || other.pre.length === 0) return Number(other.pre.length > 0) - Number(one.pre.length > 0);
  for (const [index, identifier] of one.pre.entries()) {
    const against = other.pre[index];
    if (against === undefined) return 1;
    const difference = compareIdentifiers(identifier, against);
    if (difference !== 0) return difference;
  }
  return one.pre.length - other.pre.length;
}
