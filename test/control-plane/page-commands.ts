/** The commands of docs/, as they stand on their pages, run against a test control plane. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { KubectlTarget } from "./kubectl.ts";

const DOCS = fileURLToPath(new URL("../../docs", import.meta.url));
const TIMEOUT_MS = 60_000;

/** @returns the one block of the page that has these words. @throws Error where it has none, or several */
export function pageCommands(page: string, words: string): string {
  const text = readFileSync(path.join(DOCS, page), "utf8");
  const blocks = [...text.matchAll(/^( *)```sh\n([^]*?)^\1```/gm)].map((match) => match[2] ?? "");
  const [block, ...more] = blocks.filter((one) => one.includes(words));
  if (block === undefined || more.length > 0) throw new Error(`${page} has no block, or several, with ${words}`);
  return block;
}

export interface CommandsPlace {
  /** Where they leave their files. */
  readonly folder: string;
  /** What whoever runs them has set. */
  readonly environment?: Readonly<Record<string, string>>;
  /** As in a terminal: what fails is followed by the next command, and the last one counts. */
  readonly asTyped?: boolean;
}

/** @returns what they wrote to standard output. @throws where one of them fails */
export async function runCommands(target: KubectlTarget, commands: string, place: CommandsPlace): Promise<string> {
  const flags = place.asTyped === true ? [] : ["-euo", "pipefail"];
  const { stdout } = await promisify(execFile)("bash", [...flags, "-c", commands], {
    cwd: place.folder,
    timeout: TIMEOUT_MS,
    env: {
      PATH: `${target.binariesFolder}:${process.env["PATH"] ?? "/usr/bin:/bin"}`,
      HOME: place.folder,
      KUBECONFIG: target.kubeconfigPath,
      KUBECACHEDIR: path.join(place.folder, "kubectl-cache"),
      ...place.environment,
    },
  });
  return stdout;
}
