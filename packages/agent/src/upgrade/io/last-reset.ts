/** What the first program of a slot leaves after it has reset the machine. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const FILE = "reset.json";
/** The only thing that is told of it. */
const ASKED_AT = /"askedAt":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"/;

/** @returns one sentence; undefined where there was no reset */
export function readLastReset(stateFolder: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(join(stateFolder, FILE), "utf8");
  } catch {
    return undefined;
  }
  const at = ASKED_AT.exec(text)?.[1];
  return `the reset${at === undefined ? "" : ` that was asked for at ${at}`} is done: the machine is as it was installed`;
}
