/** `ros-agent upgrade`: the order, who carries it out, and what came of it. */
import { setTimeout as sleep } from "node:timers/promises";
import { errorOfReason, readAgentState, upgradeByHand } from "@rancheros/agent/by-hand";
import { orderByHand, UpgradeError, type AgentState, type Order } from "@rancheros/agent/upgrade";
import type { Drain } from "@rancheros/protocol/resources";

import { describePhase } from "./describe-state.ts";
import { agentOptions, resolveImage, type RuntimeFlagValues } from "./machine-run.ts";
import { parseDuration } from "./parse-duration.ts";
import type { Surroundings } from "./surroundings.ts";

export interface UpgradeFlagValues extends RuntimeFlagValues {
  readonly force: boolean;
  readonly "allow-downgrade": boolean;
  readonly "no-drain": boolean;
  readonly "no-cordon": boolean;
  readonly "drain-timeout": string;
  readonly "grace-period": number;
  readonly "delete-emptydir-data": boolean;
  readonly "drain-force": boolean;
  readonly "disable-eviction": boolean;
  readonly timeout: string;
}

export interface UpgradeRun {
  readonly image: string;
  readonly flags: UpgradeFlagValues;
  readonly wait: boolean;
  readonly dryRun: boolean;
  readonly surroundings: Surroundings;
  readonly remark: (text: string) => void;
}

/** Result of `upgrade --json`. */
export interface UpgradeJson {
  readonly sentence: string;
  readonly reference: string;
  readonly version: string;
  readonly cordon: boolean;
  readonly drain: Drain | undefined;
  readonly dryRun: boolean;
  /** Undefined where it was not waited for. */
  readonly phase: string | undefined;
}

const WATCH_MS = 1_000;

/** @throws coded errors of the problem that ended the upgrade */
export async function runUpgrade(run: UpgradeRun): Promise<UpgradeJson> {
  const { flags, surroundings, remark, dryRun } = run;
  const options = agentOptions(flags, surroundings, remark);
  const order = await orderOf(run);
  const { reference, version, cordon, drain, osImage } = order.plan;
  const told = { reference, version, cordon, drain, dryRun };
  const steps = [
    "pull",
    ...(drain === undefined ? [] : ["drain"]),
    ...(cordon ? ["cordon"] : []),
    "upgrade",
    "restart",
  ];
  if (dryRun) return { ...told, phase: undefined, sentence: `Would upgrade to ${reference}: ${steps.join(", ")}.` };
  let said = "";
  const say = (text: string): void => {
    if (text !== said) remark(text);
    said = text;
  };
  const taken = await upgradeByHand(options, {
    order,
    signal: surroundings.signal,
    onState: ({ run: present }) => {
      if (present === undefined) return;
      const { phase, message, lastError } = present;
      say(describePhase({ phase, message, reason: lastError }));
    },
  });
  if (taken === "handed-over" && !run.wait) {
    return { ...told, phase: undefined, sentence: "The agent that runs has taken it over: ros-agent status --watch" };
  }
  const state = await watch(() => readAgentState(options), surroundings.signal, say);
  if (state.phase !== "Succeeded") throw errorOfReason(state.reason, state.message);
  return { ...told, phase: state.phase, sentence: state.message ?? `The machine runs ${osImage}.` };
}

async function orderOf({ image, flags, surroundings }: UpgradeRun): Promise<Order> {
  const timeoutSeconds = Math.ceil(parseDuration(flags.timeout, "timeout") / 1000);
  const cordon = !flags["no-cordon"];
  const drain = cordon && !flags["no-drain"] ? drainOf(flags) : undefined;
  const { force, "allow-downgrade": allowDowngrade } = flags;
  const resolved = await resolveImage(image, flags, surroundings);
  return orderByHand({ ...resolved, cordon, drain, timeoutSeconds, force, allowDowngrade, credentials: [] });
}

/** DaemonSets' pods would come again at once: nobody means to be stopped by them here. */
function drainOf(flags: UpgradeFlagValues): Drain {
  return {
    timeout:
      flags["drain-timeout"] === "0"
        ? "0s"
        : `${Math.ceil(parseDuration(flags["drain-timeout"], "drain-timeout") / 1000)}s`,
    gracePeriod: flags["grace-period"],
    deleteLocalData: flags["delete-emptydir-data"],
    ignoreDaemonSets: true,
    force: flags["drain-force"],
    disableEviction: flags["disable-eviction"],
  };
}

async function watch(
  read: () => Promise<AgentState>,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<AgentState> {
  for (;;) {
    const state = await read();
    if (!state.isUnderWay) return state;
    say(describePhase(state));
    await sleep(WATCH_MS, undefined, { signal }).catch((cause: unknown) => {
      const goesOn = "it is not watched any more, and the agent that runs goes on with it";
      throw new UpgradeError("UPGRADE_INTERRUPTED", `${goesOn}: ros-agent status --watch, ros-agent abort`, { cause });
    });
  }
}
