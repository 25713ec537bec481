/** `ros-agent get-tpm-hash` as people run it, bundle and all, beside a Go program with the original's library on the same TPM. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildLegacyPrograms } from "../../test/go/build.ts";
import { startSwtpm } from "../../test/swtpm/index.ts";
import { makeFolder, removeFolder } from "../folders.ts";
import { measureCommand, type CommandFigures } from "../measure-command.ts";
import { spreadOf, type Spread } from "../statistics.ts";

export const ROS_AGENT = fileURLToPath(new URL("../../scripts/ros-agent", import.meta.url));

export interface CommandSpread {
  readonly wallMs: Spread;
  readonly cpuMs: Spread;
  readonly peakMb: Spread;
}

export interface HashFigures {
  readonly ekCertificate: boolean;
  readonly rosAgent: CommandSpread;
  /** Go, go-attestation v0.3.2, straight on the TPM's socket; undefined where it cannot be built. */
  readonly original: CommandSpread | undefined;
}

export function commandSpread(runs: readonly CommandFigures[]): CommandSpread {
  return {
    wallMs: spreadOf(runs.map((run) => run.wallMs)),
    cpuMs: spreadOf(runs.map((run) => run.cpuMs)),
    peakMb: spreadOf(runs.map((run) => run.peakMb)),
  };
}

/** The program that is built like rancherd, where Go is there to build it. */
export async function originalClient(say: (line: string) => void): Promise<string | undefined> {
  try {
    return (await buildLegacyPrograms()).clientPath;
  } catch (error) {
    say(`without the original's libraries beside it: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

export async function measureTpmHash(runs: number, say: (line: string) => void): Promise<readonly HashFigures[]> {
  const original = await originalClient(say);
  const folder = makeFolder("rancheros-bench-tpm-");
  try {
    const figures: HashFigures[] = [];
    for (const ekCertificate of [true, false]) {
      say(ekCertificate ? "a TPM with an EK certificate" : "a TPM without one");
      figures.push(await measureOn(path.join(folder, String(ekCertificate)), ekCertificate, original, runs));
    }
    return figures;
  } finally {
    removeFolder(folder);
  }
}

async function measureOn(
  stateFolder: string,
  ekCertificate: boolean,
  original: string | undefined,
  runs: number,
): Promise<HashFigures> {
  const tpm = await startSwtpm({ stateFolder, withEkCertificate: ekCertificate });
  try {
    const ours: CommandFigures[] = [];
    const theirs: CommandFigures[] = [];
    const hashes = new Set<string>();
    // The first of each is not counted: it makes the bundle where that is not there, and fills caches.
    for (let run = 0; run <= runs; run += 1) {
      const our = await measureCommand(ROS_AGENT, ["get-tpm-hash", "--tcti", tpm.tcti]);
      hashes.add(our.stdout);
      if (run > 0) ours.push(our);
      if (original === undefined) continue;
      const their = await measureCommand(original, ["hash", "--tpm", `127.0.0.1:${tpm.port}`]);
      hashes.add(their.stdout);
      if (run > 0) theirs.push(their);
    }
    if (hashes.size !== 1) throw new Error(`one TPM, and different hashes: ${[...hashes].join(" ")}`);
    return {
      ekCertificate,
      rosAgent: commandSpread(ours),
      original: theirs.length === 0 ? undefined : commandSpread(theirs),
    };
  } finally {
    await tpm.stop();
  }
}
