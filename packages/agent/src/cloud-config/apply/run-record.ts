/** Which commands of runcmd have run: so that each runs once, whatever happens meanwhile. */
import { createHash } from "node:crypto";

import type { RunCommand } from "../cloud-config.ts";

export const RUN_RECORD_PLACE = "/var/lib/rancheros/runcmd.json";

export type CommandState =
  | { readonly kind: "waiting" }
  /** Written before it starts: found at the next start, it was broken off, and is not run again. */
  | { readonly kind: "started" }
  | { readonly kind: "ended"; readonly outcome: string };

export interface RunRecord {
  readonly version: 1;
  /** Of the list of commands: another list runs anew. */
  readonly digest: string;
  readonly commands: readonly RunCommand[];
  readonly states: readonly CommandState[];
}

export function newRecord(commands: readonly RunCommand[]): RunRecord {
  return { version: 1, digest: digestOf(commands), commands, states: commands.map(() => ({ kind: "waiting" })) };
}

/** @returns undefined where the list is the one that is recorded already, or where there is none */
export function recordToWrite(commands: readonly RunCommand[], recorded: RunRecord | undefined): RunRecord | undefined {
  if (commands.length === 0 || recorded?.digest === digestOf(commands)) return undefined;
  return newRecord(commands);
}

export function withState(record: RunRecord, index: number, state: CommandState): RunRecord {
  return { ...record, states: record.states.with(index, state) };
}

export function formatRecord(record: RunRecord): string {
  return `${JSON.stringify(record, undefined, 2)}\n`;
}

/** @returns undefined for what is none of ours: then nothing counts as run */
export function parseRecord(text: string): RunRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || value["version"] !== 1 || typeof value["digest"] !== "string") return undefined;
  const { commands: foundCommands, states: foundStates, digest } = value;
  if (!Array.isArray(foundCommands) || !Array.isArray(foundStates)) return undefined;
  const commands = foundCommands.flatMap((command) => parseCommand(command) ?? []);
  const states = foundStates.flatMap((state) => parseState(state) ?? []);
  if (commands.length !== foundCommands.length || states.length !== commands.length) return undefined;
  return { version: 1, digest, commands, states };
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

function parseState(value: unknown): CommandState | undefined {
  if (!isRecord(value)) return undefined;
  const { kind, outcome } = value;
  if (kind === "waiting" || kind === "started") return { kind };
  return kind === "ended" && typeof outcome === "string" ? { kind, outcome } : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function digestOf(commands: readonly RunCommand[]): string {
  return createHash("sha256").update(JSON.stringify(commands)).digest("hex");
}
