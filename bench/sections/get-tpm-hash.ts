/** `ros-agent get-tpm-hash` as machines and people run it, beside a Go program with the original's library on the same TPM. */
import path from "node:path";
import { startSwtpm } from "../../test/swtpm/index.ts";
import { builtAgent, inTurns, originalClient, ROS_AGENT, type Contestants } from "../contestants.ts";
import { makeFolder, removeFolder } from "../folders.ts";
import { measureCommand } from "../measure-command.ts";

export interface HashFigures extends Contestants {
  readonly ekCertificate: boolean;
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
    const hashes = new Set<string>();
    const tell = ["get-tpm-hash", "--tcti", tpm.tcti];
    const built = builtAgent();
    const figures = await inTurns(runs, async (figuresOf) => {
      const said = [await figuresOf("rosAgent", measureCommand(ROS_AGENT, tell))];
      if (built !== undefined) said.push(await figuresOf("executable", measureCommand(built, tell)));
      if (original !== undefined) {
        said.push(await figuresOf("original", measureCommand(original, ["hash", "--tpm", `127.0.0.1:${tpm.port}`])));
      }
      for (const { stdout } of said) hashes.add(stdout);
    });
    if (hashes.size !== 1) throw new Error(`one TPM, and different hashes: ${[...hashes].join(" ")}`);
    return { ekCertificate, ...figures };
  } finally {
    await tpm.stop();
  }
}
