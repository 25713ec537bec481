/**
 * For whoever works on a later step: RANCHEROS_METAL_KEEP=FOLDER keeps what each step has made, RANCHEROS_METAL_FROM=N begins
 * at the step of this number with what the steps before it had made in an earlier run.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { execFileSync } from "node:child_process";
import { findFreePort } from "../control-plane/free-port.ts";

/** Of what guests remember addresses. */
export interface SitePorts {
  readonly apiServer: number;
  readonly registry: number;
  readonly proxy: number;
}

export interface KeptSteps {
  /** Short, as sockets lie in it. */
  readonly siteFolder: string;
  /** The first step that is run; 1 for all. */
  readonly from: number;
  /** Puts the site back to what it was before the first step that is run. Nothing of it may run. */
  restore(): void;
  /** What the site is now is what the step of this number begins with. Nobody may write to disk, TPM and etcd meanwhile. */
  save(before: number): void;
}

/** Of the site: the cluster, and the machine that the steps are about. What the registry holds only grows. */
const FOLDERS = ["cp/etcd-data", "m1"] as const;

/** @returns undefined where nobody asked for it */
export function keptSteps(environment: NodeJS.ProcessEnv): KeptSteps | undefined {
  const { RANCHEROS_METAL_KEEP: keep, RANCHEROS_METAL_FROM: first = "1" } = environment;
  if (keep === undefined || keep === "") return undefined;
  const from = Number(first);
  if (!Number.isInteger(from) || from < 1) throw new Error(`RANCHEROS_METAL_FROM is no number of a step: ${first}`);
  const siteFolder = path.resolve(keep, "site");
  const before = (number: number): string => path.resolve(keep, `before-${number}`);
  if (from > 1 && !existsSync(before(from))) throw new Error(`nothing is kept in ${before(from)}`);
  return {
    siteFolder,
    from,
    restore() {
      const gone = from === 1 ? [""] : FOLDERS;
      for (const folder of gone) rmSync(path.join(siteFolder, folder), { recursive: true, force: true });
      if (from > 1) copySparse(before(from), siteFolder);
    },
    save(number) {
      const made = `${before(number)}.new`;
      rmSync(made, { recursive: true, force: true });
      for (const folder of FOLDERS) copySparse(path.join(siteFolder, folder), path.join(made, folder));
      rmSync(before(number), { recursive: true, force: true });
      renameSync(made, before(number));
    },
  };
}

/** The same in each run on this folder. */
export async function sitePorts(folder: string): Promise<SitePorts> {
  const file = path.join(folder, "ports.json");
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as SitePorts;
  const ports = { apiServer: await findFreePort(), registry: await findFreePort(), proxy: await findFreePort() };
  writeFileSync(file, JSON.stringify(ports));
  return ports;
}

/** Disks have holes, which Node's own copying would fill. What is in the target and not in the source goes. */
function copySparse(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  execFileSync("cp", ["--archive", "--sparse=always", `${from}/.`, to]);
}
