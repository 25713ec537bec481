/** Runs the machine that is built like rancherd. */
import { execFile } from "node:child_process";
import { buildLegacyPrograms } from "./build.ts";

export interface LegacyClientOutcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A session takes about a second with swtpm; the client itself would wait for ever. */
const TIMEOUT_MS = 40_000;

/** @param args  as test/go/cmd/legacy-client describes them */
export async function runLegacyClient(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<LegacyClientOutcome> {
  const { clientPath } = await buildLegacyPrograms();
  return new Promise((resolve, reject) => {
    // A proxy of the developer must not come in between.
    execFile(clientPath, [...args], { env: { ...environment }, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) resolve({ status: 0, stdout, stderr });
      else if (typeof error.code === "number") resolve({ status: error.code, stdout, stderr });
      else reject(new Error(`legacy-client ${args.join(" ")} did not end by itself:\n${stderr}`, { cause: error }));
    });
  });
}
