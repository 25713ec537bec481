/** Runs one of an upgrade's containers: the journal knows of it before it starts, and until its end is known. */
import { hasCode, isCodedError } from "@rancheros/protocol/errors";

import { UpgradeError } from "../errors.ts";
import { note } from "../journal-edits.ts";
import type { Run } from "../journal.ts";
import { leftMs } from "../moment.ts";
import type { ContainerEnd, ContainerRun } from "../ports.ts";
import type { RunPlace } from "../container-run.ts";
import { presentRun, say, withPatience, type Work } from "../work.ts";
import { cloudConfigFor } from "./cloud-config.ts";
import { pullImage } from "./pull-image.ts";

const SAID_LINES = 10;

export type RunEnd = Exclude<ContainerEnd, { readonly kind: "left-running" }>;

/**
 * @returns undefined where there is no such container to run
 * @throws UpgradeError UPGRADE_CONTAINER_HANGS after it was stopped, UPGRADE_INTERRUPTED where it was left running
 */
export async function runContainer(
  work: Work,
  containerOf: (run: Run, place: RunPlace) => ContainerRun | undefined,
): Promise<RunEnd | undefined> {
  const { host, containers, node } = work.ports;
  const { bootId } = host.now();
  const nodeName = (await node.look(work.signal).catch(() => undefined))?.name ?? host.hostname();
  const container = containerOf(presentRun(work), { nodeName, bootId, cloudConfig: await cloudConfigFor(work) });
  if (container === undefined) return undefined;
  await work.save((journal, now) => note(journal, { container: container.name }, now));
  await say(work, `the container ${container.name} runs`);
  const runOnce = async (): Promise<ContainerEnd> => {
    try {
      const { stop, leave } = work;
      for (;;) {
        const waiting = AbortSignal.any([leave, work.retimed()]);
        const deadlineMs = leftMs(presentRun(work), host.now());
        const end = await containers.run(container, { signal: stop, leave: waiting, deadlineMs, onLine: work.log });
        // It is gone on with, until the time that the plan has by now.
        if (end.kind !== "left-running" || leave.aborted) return end;
      }
    } catch (cause) {
      if (!isCodedError(cause) || cause.code !== "CONTAINER_DEADLINE") throw cause;
      const { lastLine } = cause.details;
      const message = [cause.message, ...(lastLine === undefined ? [] : [String(lastLine)])].join("\n");
      throw new UpgradeError("UPGRADE_CONTAINER_HANGS", message, { cause });
    }
  };
  const attempt = (): Promise<ContainerEnd> => work.act("container", () => withPatience(work, runOnce));
  const end = await againIfGone(attempt, () => pullImage(work, container.container.image));
  if (end.kind !== "left-running") return { ...end, lastLines: end.lastLines.slice(-SAID_LINES) };
  throw new UpgradeError("UPGRADE_INTERRUPTED", `the container ${container.name} was left running`);
}

/** Since it was pulled the image may have been cleared away, as kubelets do. */
async function againIfGone(run: () => Promise<ContainerEnd>, pull: () => Promise<string>): Promise<ContainerEnd> {
  try {
    return await run();
  } catch (error) {
    if (!hasCode(error, "CONTAINER_IMAGE_MISSING")) throw error;
  }
  await pull();
  return run();
}
