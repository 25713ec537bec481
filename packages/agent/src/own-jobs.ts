/** The jobs for which a single executable starts itself; each is loaded when it is done. */
import { ownJobName, type OwnJob } from "./programs/own-process.ts";

const JOBS: Readonly<Record<OwnJob, () => Promise<unknown>>> = {
  "print-hardware": () => import("./hardware/io/print-hardware.ts"),
  "record-output": () => import("./containers/io/record-output.ts"),
};

/**
 * Does what the arguments ask for.
 * @returns undefined where they are a command line
 */
export function ownJob(args: readonly string[]): Promise<unknown> | undefined {
  const name = ownJobName(args);
  return name !== undefined && isJob(name) ? JOBS[name]() : undefined;
}

function isJob(name: string): name is OwnJob {
  return Object.hasOwn(JOBS, name);
}
