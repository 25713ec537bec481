/** How a run has ended, kept until somebody has written that down: a run that is asked for again is not done twice. */
import { ContainerError } from "./errors.ts";
import type { RunOutside } from "./run-outside.ts";

const RESULT_FILE = "result";
/** In place of the exit code that nobody knows. */
const LOST = "lost";

export interface KeptResult {
  /** Undefined where nobody knows it. */
  readonly exitCode: number | undefined;
}

/** Before the container goes. @throws ContainerError CONTAINER_RUN_FOLDER */
export async function keepResult({ folder }: RunOutside, run: string, { exitCode }: KeptResult): Promise<void> {
  await folder.write(RESULT_FILE, `${run}\n${exitCode ?? LOST}\n`);
}

/** After the container is gone: some of what was kept for it is secret. Never throws. */
export function dropAllButResult({ folder }: RunOutside): Promise<void> {
  return folder.keepOnly(RESULT_FILE);
}

/**
 * Of a container that is gone.
 * @returns undefined where it was not this run that ended
 * @throws ContainerError CONTAINER_RUN_FOLDER: what is there and cannot be read must not be taken for none
 */
export async function keptResult(outside: RunOutside, run: string): Promise<KeptResult | undefined> {
  const { folder } = outside;
  const text = await folder.read(RESULT_FILE);
  if (text === undefined) return undefined;
  const [whose, code = ""] = text.split("\n");
  if (!/^(?:\d{1,10}|lost)$/.test(code)) {
    throw new ContainerError("CONTAINER_RUN_FOLDER", `the kept result in ${folder.path} cannot be understood`);
  }
  if (whose !== run) return undefined;
  // Whoever was killed in between has left it.
  await dropAllButResult(outside);
  return { exitCode: code === LOST ? undefined : Number(code) };
}
