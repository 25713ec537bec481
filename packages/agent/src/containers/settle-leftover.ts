/** What an earlier agent left under a container's name: watched on, or ended and removed; never two at a time. */
import { awaitEarlierCalls } from "./earlier-calls.ts";
import type { ContainerSpec } from "./container-spec.ts";
import { STARTED_FILE, type ContainerState, type Labels } from "./driver.ts";
import { ContainerError } from "./errors.ts";
import { keptResult, type KeptResult } from "./kept-result.ts";
import { MANAGED_LABEL, MANAGER } from "./mark.ts";
import { FIRST_LOOK_MS, LONGEST_LOOK_MS, type RunOutside } from "./run-outside.ts";

export const RUN_LABEL = "rancheros.cattle.io/run";

const EXIT_CODE_FILE = "exit-code";
/** From SIGKILL to giving up: a process that waits for a disk does not end before the disk answers. */
const KILL_PATIENCE_MS = 60_000;
/** A call that was killed itself may be carried out yet: a container of which there is only a part is looked at again. */
const SETTLING_MS = 2_000;
const NEVER = new AbortController().signal;

/** "same-run": there is a container of it, which is to be watched. "ended": it is over, and the container gone. */
export type Leftover =
  { readonly kind: "none" } | { readonly kind: "same-run" } | ({ readonly kind: "ended" } & KeptResult);

/** What an earlier agent has left of the name; that of another run is removed. */
export async function settleLeftover(outside: RunOutside, spec: ContainerSpec, graceMs: number): Promise<Leftover> {
  const first = await outside.driver.inspect(spec.name);
  if (first.kind === "absent") {
    const kept = await keptResult(outside, spec.run);
    return kept === undefined ? { kind: "none" } : { kind: "ended", ...kept };
  }
  checkOurs(spec.name, first.labels);
  if (first.labels[RUN_LABEL] === spec.run) {
    if (await wasStarted(outside, first.kind)) return { kind: "same-run" };
    await outside.sleep(SETTLING_MS, NEVER);
    if (await wasStarted(outside, (await outside.driver.inspect(spec.name)).kind)) return { kind: "same-run" };
  }
  await removeNow(outside, spec.name, graceMs);
  return { kind: "none" };
}

/** Also one that is over, and of which nobody can say how it ended: what it has done is not done twice. */
async function wasStarted(outside: RunOutside, kind: ContainerState["kind"]): Promise<boolean> {
  if (kind === "running" || kind === "ended") return true;
  if ((await keptExitCode(outside)) !== undefined) return true;
  return kind === "gone" && (await outside.folder.read(STARTED_FILE)) !== undefined;
}

/**
 * Ends and removes a container, if there is one.
 * @throws ContainerError CONTAINER_NAME_TAKEN, CONTAINER_LEFT_BEHIND
 */
export async function removeContainerThrough(outside: RunOutside, name: string, graceMs: number): Promise<void> {
  await awaitEarlierCalls(outside, name, NEVER);
  await removeNow(outside, name, graceMs);
  await outside.calls.forget();
}

async function removeNow(outside: RunOutside, name: string, graceMs: number): Promise<void> {
  const state = await outside.driver.inspect(name);
  if (state.kind !== "absent") {
    checkOurs(name, state.labels);
    if (state.kind === "running") await endContainer(outside, name, graceMs);
  }
  await outside.driver.remove(name);
  const left = await outside.driver.inspect(name);
  if (left.kind !== "absent") throw leftBehind(name, "is there still after it was removed");
  await outside.folder.remove();
}

function checkOurs(name: string, labels: Labels): void {
  if (labels[MANAGED_LABEL] === MANAGER) return;
  throw new ContainerError("CONTAINER_NAME_TAKEN", `the container ${name} was not made by ros-agent`);
}

/** SIGTERM, then SIGKILL; returns when it does not run any more. @throws ContainerError CONTAINER_LEFT_BEHIND */
export async function endContainer(outside: RunOutside, name: string, graceMs: number): Promise<void> {
  const gone = async (patienceMs: number): Promise<boolean> => {
    const endMs = outside.nowMs() + patienceMs;
    for (let delayMs = FIRST_LOOK_MS; ; delayMs = Math.min(delayMs * 1.5, LONGEST_LOOK_MS)) {
      if ((await outside.driver.inspect(name)).kind !== "running") return true;
      if (outside.nowMs() >= endMs) return false;
      await outside.sleep(delayMs, NEVER);
    }
  };
  await outside.driver.signal(name, "SIGTERM");
  if (await gone(graceMs)) return;
  await outside.driver.signal(name, "SIGKILL");
  if (await gone(KILL_PATIENCE_MS)) return;
  throw leftBehind(name, `runs still, ${KILL_PATIENCE_MS / 1000} s after SIGKILL`);
}

/** Some runtimes forget it with the process: it is kept before, until the container is gone, for the case that this program ends. */
export async function takeExitCode(outside: RunOutside, name: string): Promise<number | undefined> {
  let exitCode = await keptExitCode(outside);
  if (exitCode === undefined) {
    exitCode = await outside.driver.exitCode(name);
    if (exitCode !== undefined) await outside.folder.write(EXIT_CODE_FILE, `${exitCode}\n`);
  }
  await outside.driver.letGo(name);
  return exitCode;
}

/** @throws ContainerError CONTAINER_RUN_FOLDER: what is there and cannot be read must not be taken for none */
async function keptExitCode({ folder }: RunOutside): Promise<number | undefined> {
  const text = await folder.read(EXIT_CODE_FILE);
  if (text === undefined) return undefined;
  if (/^\d{1,10}\n$/.test(text)) return Number(text);
  throw new ContainerError("CONTAINER_RUN_FOLDER", `the kept result in ${folder.path} cannot be understood`);
}

function leftBehind(name: string, why: string): ContainerError {
  return new ContainerError("CONTAINER_LEFT_BEHIND", `the container ${name} ${why}`, { details: { container: name } });
}
