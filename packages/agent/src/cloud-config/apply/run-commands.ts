/** Runs the lines of runcmd that have not run yet: in order, each once, also where one fails. */
import type { RootFiles } from "../../files/index.ts";
import type { RunCommand } from "../cloud-config.ts";
import { CloudConfigError } from "../errors.ts";
import { RUN_RECORD_PLACE, formatRecord, parseRecord, withState, type RunRecord } from "./run-record.ts";

export interface RunOutside {
  readonly files: Pick<RootFiles, "read" | "replace">;
  /** @returns how it ended, such as `exit code 0`; once the signal is given it is ended. Never rejects. */
  readonly run: (command: RunCommand, signal: AbortSignal) => Promise<string>;
  /** Never with the command itself: it may hold secrets. */
  readonly log: (message: string) => void;
}

export interface RunSummary {
  readonly ran: number;
  readonly failed: number;
}

export const SUCCEEDED = "exit code 0";

/** @throws CloudConfigError CLOUD_CONFIG_COMMAND_FAILED, CLOUD_CONFIG_INTERRUPTED; FilesError */
export async function runCommands(outside: RunOutside, signal: AbortSignal): Promise<RunSummary> {
  const found = await outside.files.read(RUN_RECORD_PLACE);
  let record = found === undefined ? undefined : parseRecord(found.content.toString("utf8"));
  if (record === undefined) {
    if (found !== undefined) outside.log(`${RUN_RECORD_PLACE} is none of ours: no commands are run`);
    return { ran: 0, failed: 0 };
  }
  let ran = 0;
  let failed = 0;
  let looked = 0;
  for (const [index, { state, place }] of record.lines.entries()) {
    if (state.kind === "ended") continue;
    looked++;
    let outcome = "broken off by a restart or a power cut";
    if (state.kind === "waiting") {
      record = await save(outside, withState(record, index, { kind: "started" }));
      outcome = await outside.run(state.command, signal);
      ran++;
    }
    record = await save(outside, withState(record, index, { kind: "ended", outcome }));
    outside.log(`runcmd[${place}]: ${outcome}`);
    if (outcome !== SUCCEEDED) failed++;
    if (signal.aborted) throw new CloudConfigError("CLOUD_CONFIG_INTERRUPTED", "running the commands was broken off");
  }
  if (failed === 0) return { ran, failed };
  throw new CloudConfigError("CLOUD_CONFIG_COMMAND_FAILED", `${failed} of ${looked} commands failed`, {
    details: { failed },
  });
}

async function save({ files }: RunOutside, record: RunRecord): Promise<RunRecord> {
  const folders = { mode: 0o700, uid: 0, gid: 0 };
  await files.replace({ path: RUN_RECORD_PLACE, content: formatRecord(record), mode: 0o600, uid: 0, gid: 0, folders });
  return record;
}
