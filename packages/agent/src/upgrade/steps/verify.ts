/** Verifying: the node comes back, and the administrator's checks pass, before others give up their nodes. */
import type { MachineNode } from "@rancheros/protocol/attestation";

import { UpgradeError } from "../errors.ts";
import { cutMessage } from "../journal-edits.ts";
import { leftMs } from "../moment.ts";
import type { CheckResult } from "../ports.ts";
import { presentRun, say, type Edit, type Work } from "../work.ts";
import { settleCloudConfig } from "./cloud-config.ts";
import { ended } from "./ended.ts";
import { leavesPods } from "./next-phase.ts";

const LOOK_MS = 5_000;
/** Since the start: the first program of a slot ends a trial that is not good after 25 min, and half a minute for the disk. */
const TRIAL_OVER_MS = 27 * 60_000;
/** Services need a while after a start. */
const CHECKS_AGAIN_MS = 15_000;

/** @throws UpgradeError UPGRADE_NODE_NOT_READY, UPGRADE_CHECK_FAILED when the phase's time is over */
export async function verify(work: Work): Promise<Edit> {
  await awaitGoodSlot(work);
  await awaitReady(work);
  await awaitChecks(work);
  if (presentRun(work).target !== undefined) await settleCloudConfig(work);
  const message = (presentRun(work).switched?.boots ?? 0) > 0 ? "the machine runs the new operating system" : undefined;
  return ended({ phase: "Succeeded", reason: undefined, message, keepsCordon: false, blamesImage: false });
}

/** The boot check of the slot alone says so; where it says no, the machine restarts and comes back in the other one. */
async function awaitGoodSlot(work: Work): Promise<void> {
  const { host, slots } = work.ports;
  const { target } = presentRun(work);
  if (slots === undefined || target === undefined) return;
  while (!(await slots.isGood(target))) {
    const now = host.now();
    // Whatever the plan allows: a run that ended before would leave nobody to take the cloud config back when the slot falls back.
    const left = Math.max(leftMs(presentRun(work), now), TRIAL_OVER_MS - now.uptimeMs);
    const message = `the boot check has not yet found slot ${target} good`;
    if (left === 0) throw new UpgradeError("UPGRADE_CHECK_FAILED", `${message} (journalctl -u ros-agent-boot-check)`);
    await say(work, `waiting: ${message}`);
    await host.sleep(Math.min(LOOK_MS, left), work.signal);
  }
}

async function awaitReady(work: Work): Promise<void> {
  const { host, node } = work.ports;
  const { bootId } = host.now();
  const wasNode = isKnownNode(work);
  for (;;) {
    const left = leftMs(presentRun(work), host.now());
    let waits: string;
    try {
      const found = await node.look(work.signal);
      // One that was cordoned was a node: without its kubeconfig the new operating system has lost what made it one.
      if (found === undefined && !wasNode) return;
      if (found?.ready === true && found.bootId === bootId) return;
      waits = whatIsAwaited(found, bootId);
    } catch (error) {
      if (work.signal.aborted) throw error;
      waits = `the API server cannot be asked: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (left === 0) throw new UpgradeError("UPGRADE_NODE_NOT_READY", waits);
    await say(work, `waiting: ${waits}`);
    await host.sleep(Math.min(LOOK_MS, left), work.signal);
  }
}

/** A cordon that an earlier upgrade has left says nothing of what the machine is now: who drains puts that right. */
function isKnownNode(work: Work): boolean {
  const { order, trail } = presentRun(work);
  // Nobody's cordon but its own is in the journal; but nothing else than a node comes through a drain without force.
  const hasDrained = !order.plan.force && trail.some(({ phase }) => phase === "Draining");
  return leavesPods(order) && (hasDrained || work.journal().cordon !== "none");
}

function whatIsAwaited(found: MachineNode | undefined, bootId: string): string {
  if (found === undefined) return "this machine was a node, and has no kubeconfig now";
  return found.bootId === bootId
    ? `the node ${found.name} is not Ready`
    : `the node ${found.name} has not reported since the start`;
}

async function awaitChecks(work: Work): Promise<void> {
  const { host } = work.ports;
  for (;;) {
    const results = await work.act("checks", () => host.runChecks(work.signal));
    const failed = results.filter(({ failure }) => failure !== undefined);
    if (failed.length === 0) return;
    const left = leftMs(presentRun(work), host.now());
    const message = cutMessage(failed.map(describe).join("\n"));
    if (left === 0) throw new UpgradeError("UPGRADE_CHECK_FAILED", message);
    await say(work, `waiting: ${message}`);
    await host.sleep(Math.min(CHECKS_AGAIN_MS, left), work.signal);
  }
}

function describe({ name, failure = "", output }: CheckResult): string {
  return [`the check ${name} ${failure}`, output.trim()].filter((line) => line !== "").join(": ");
}
