/** Which lines of runcmd have run: so that each runs once, whatever happens meanwhile and whatever stands beside it later. */
import { createHash } from "node:crypto";

import type { RunCommand } from "../cloud-config.ts";

export const RUN_RECORD_PLACE = "/var/lib/rancheros/runcmd.json";

export type LineState =
  | { readonly kind: "waiting"; readonly command: RunCommand }
  /** Written before it starts: found at the next start, it was broken off, and is not run again. */
  | { readonly kind: "started" }
  | { readonly kind: "ended"; readonly outcome: string };

export interface RunLine {
  /** Of the command, and of the how-manieth of its like it is in its list. Commands that have run are not kept: they may hold secrets. */
  readonly digest: string;
  /** The files whose list it stands in; where others are applied it stays. */
  readonly from: string;
  /** In its list, from 0. */
  readonly place: number;
  readonly state: LineState;
}

export interface RunRecord {
  readonly version: 2;
  /** In the order in which they run. */
  readonly lines: readonly RunLine[];
}

/** Of lines that cloud-init gets: it has not begun its instance yet, so that they can still be taken back. */
const HANDED = { kind: "ended", outcome: "left to cloud-init" } as const;
const TAKEN = { kind: "ended", outcome: "taken by cloud-init" } as const;

/** Lines that have run and stand in no list any more; the oldest are forgotten. */
export const REMEMBERED_MAX = 2_000;

/** In place of files, of lines that an earlier agent has recorded. */
const ALL_FILES = "";

export const NO_LINES: RunRecord = { version: 2, lines: [] };

/**
 * What is new waits, in its list's order; what is known stays as it is; what waits and has gone from its own list goes.
 * @param from  the files that say it
 */
export function recordWith(recorded: RunRecord, commands: readonly RunCommand[], from: string): RunRecord {
  const known = new Map(recorded.lines.map((line) => [line.digest, line]));
  const listed = withDigests(commands).map(
    ({ digest, command }, place): RunLine =>
      known.get(digest) ?? { digest, from, place, state: { kind: "waiting", command } },
  );
  const inList = new Set(listed.map(({ digest }) => digest));
  const others = recorded.lines.filter(
    ({ digest, from: theirs, state }) =>
      !inList.has(digest) && !(state.kind === "waiting" && (theirs === from || theirs === ALL_FILES)),
  );
  return { version: 2, lines: [...forgetOldest(others), ...listed] };
}

/** Of the commands what waits here, and is new, is cloud-init's to run. @param from  the files that say it */
export function leftToCloudInit(recorded: RunRecord, commands: readonly RunCommand[], from: string): RunRecord {
  const { lines } = recordWith(takenBack(recorded), commands, from);
  const theirs = new Set(withDigests(commands).map(({ digest }) => digest));
  return {
    version: 2,
    lines: lines.map((line) =>
      line.state.kind === "waiting" && theirs.has(line.digest) ? { ...line, state: HANDED } : line,
    ),
  };
}

/** cloud-init has begun its instance: what it got it runs, and nobody else. */
export function takenByCloudInit({ lines }: RunRecord): RunRecord {
  return { version: 2, lines: lines.map((line) => (isHanded(line) ? { ...line, state: TAKEN } : line)) };
}

/** cloud-init has not begun its instance, and somebody else applies the cloud-config. */
export function takenBack({ lines }: RunRecord): RunRecord {
  return { version: 2, lines: lines.filter((line) => !isHanded(line)) };
}

function isHanded({ state }: RunLine): boolean {
  return state.kind === "ended" && state.outcome === HANDED.outcome;
}

function forgetOldest(lines: readonly RunLine[]): readonly RunLine[] {
  let tooMany = lines.filter(({ state }) => state.kind === "ended").length - REMEMBERED_MAX;
  return lines.filter(({ state }) => state.kind !== "ended" || tooMany-- <= 0);
}

export function withState(record: RunRecord, index: number, state: LineState): RunRecord {
  const line = record.lines[index];
  return line === undefined ? record : { ...record, lines: record.lines.with(index, { ...line, state }) };
}

export function formatRecord(record: RunRecord): string {
  return `{"version":${record.version},"lines":[\n${record.lines.map((line) => JSON.stringify(line)).join(",\n")}\n]}\n`;
}

/** @returns undefined for what is none of ours: then nothing counts as run */
export function parseRecord(text: string): RunRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (isRecord(value) && value["version"] === 1) return fromVersion1(value);
  if (!isRecord(value) || value["version"] !== 2 || !Array.isArray(value["lines"])) return undefined;
  const found: readonly unknown[] = value["lines"];
  const lines = found.flatMap((line) => parseLine(line) ?? []);
  return lines.length === found.length ? { version: 2, lines } : undefined;
}

/** Of earlier agents: one list of all files, with its commands. What has run by it must not run again. */
function fromVersion1({ commands: list, states }: Readonly<Record<string, unknown>>): RunRecord | undefined {
  if (!Array.isArray(list) || !Array.isArray(states) || states.length !== list.length) return undefined;
  const found: readonly unknown[] = states;
  const commands = list.flatMap((one: unknown) => parseCommand(one) ?? []);
  if (commands.length !== list.length) return undefined;
  const lines = withDigests(commands).flatMap(({ digest, command }, place): readonly RunLine[] => {
    const told = found[place];
    const state = parseState(isRecord(told) && told["kind"] === "waiting" ? { kind: "waiting", command } : told);
    return state === undefined ? [] : [{ digest, from: ALL_FILES, place, state }];
  });
  return lines.length === commands.length ? { version: 2, lines } : undefined;
}

function parseLine(value: unknown): RunLine | undefined {
  if (!isRecord(value)) return undefined;
  const { digest, from, place } = value;
  const state = parseState(value["state"]);
  if (typeof digest !== "string" || typeof from !== "string" || typeof place !== "number") return undefined;
  return state === undefined ? undefined : { digest, from, place, state };
}

function parseState(value: unknown): LineState | undefined {
  if (!isRecord(value)) return undefined;
  const { kind, outcome } = value;
  if (kind === "started") return { kind };
  if (kind === "ended" && typeof outcome === "string") return { kind, outcome };
  const command = kind === "waiting" ? parseCommand(value["command"]) : undefined;
  return command === undefined ? undefined : { kind: "waiting", command };
}

function parseCommand(value: unknown): RunCommand | undefined {
  if (!isRecord(value)) return undefined;
  if (value["kind"] === "shell" && typeof value["script"] === "string")
    return { kind: "shell", script: value["script"] };
  const argv = value["argv"];
  if (value["kind"] !== "program" || !Array.isArray(argv)) return undefined;
  const texts = argv.filter((word) => typeof word === "string");
  return texts.length === argv.length && texts.length > 0 ? { kind: "program", argv: texts } : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The same line twice in a list is two lines, whatever stands between them. */
function withDigests(
  commands: readonly RunCommand[],
): readonly { readonly digest: string; readonly command: RunCommand }[] {
  const seen = new Map<string, number>();
  return commands.map((command) => {
    const text = JSON.stringify(command);
    const nth = (seen.get(text) ?? 0) + 1;
    seen.set(text, nth);
    return { command, digest: createHash("sha256").update(`${nth} ${text}`).digest("hex") };
  });
}
