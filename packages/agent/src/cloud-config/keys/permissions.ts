/** The permissions of a file: octal as people write them, or the number that YAML 1.1 and JSON make of that. */
import { name, type Judge, type Reader } from "../judge.ts";
import type { Located } from "../located.ts";

const MAX_MODE = 0o7777;
/** Their numbers, 504, 511 and 2541, could be octal as well, for modes that nearly nobody gives a file. */
const RATHER_NUMBERS: readonly number[] = [0o770, 0o777, 0o4755];

/**
 * `"0644"`, `0644` and `0o644` all mean the same. A number without a leading 0 is what kubectl or JSON has made of such a
 * mode, 420, and counts as itself, as for cloud-init; but where its digits make a sensible octal mode, as those of 644 do,
 * they are that.
 */
export const permissions: Reader<number> = (judge, node, path) => {
  const source = node.kind === "scalar" ? node.source.trim() : "";
  const digits = /^(?:0o?)?([0-7]{3,4})$/.exec(source)?.[1];
  const octal = digits === undefined ? undefined : Number.parseInt(digits, 8);
  const number = numberOf(node, source);
  if (number === undefined) return octal ?? refused(judge, node, path);
  if (octal === undefined) return isSensible(number) ? number : refused(judge, node, path);
  if (isSensible(number) && (RATHER_NUMBERS.includes(number) || !isSensible(octal))) return number;
  judge.warn(
    node.at,
    path,
    `${name(path)} is taken as octal, which cloud-init does not do without quotes or a leading 0: write it as "0644"`,
  );
  return octal;
};

function refused(judge: Judge, node: Located, path: string): undefined {
  return judge.error(node.at, path, `${name(path)} has to be an octal number such as "0644"`);
}

/** @returns undefined for texts, and for what is written as an octal number */
function numberOf(node: Located, source: string): number | undefined {
  if (node.kind !== "scalar" || typeof node.value !== "number" || !/^[1-9]\d{0,3}$/.test(source)) return undefined;
  return node.value;
}

/** Its owner may read the file, and nobody may do more than its owner. */
function isSensible(mode: number): boolean {
  const owner = (mode >> 6) & 0o7;
  return mode <= MAX_MODE && (owner & 0o4) !== 0 && (((mode >> 3) | mode) & 0o7 & ~owner) === 0;
}
