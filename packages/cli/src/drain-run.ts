/** From the flags of `drain` and `undrain` to the agent's drain, told in kubectl's words. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  DrainError,
  drainNode,
  readDrainVerdict,
  uncordonNode,
  type DrainOptions,
  type DrainReport,
  type DryRun,
} from "@rancheros/agent/drain";
import { askedAgain, connectKubernetes, ownNodeName, type KubernetesClient } from "@rancheros/agent/kubernetes";
import { durationMs } from "@rancheros/protocol/durations";

import { cordonText, describeDrain } from "./describe-drain.ts";
import { CliError } from "./errors.ts";
import type { Surroundings } from "./surroundings.ts";

/** Not the agent's: a person's cordon outlasts an upgrade, as one of kubectl-drain does. */
const FIELD_MANAGER = "ros-agent-drain";

export interface NodeRun {
  /** Undefined for the node that this machine is. */
  readonly nodeName: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly dryRun: DryRun;
  readonly surroundings: Surroundings;
  /** What kubectl writes to its standard output. */
  readonly tell: (text: string) => void;
  readonly remark: (text: string) => void;
}

export interface DrainRun extends NodeRun {
  readonly options: DrainOptions;
}

/** @throws DrainError, NodeApiError, CliError CLI_USAGE */
export function runDrain(run: DrainRun): Promise<DrainReport> {
  return withClient(run, async ({ client, patient }, nodeName) => {
    const { signal } = run.surroundings;
    await noteVerdict(run, patient, nodeName);
    try {
      return await drainNode(client, {
        nodeName,
        options: run.options,
        dryRun: run.dryRun,
        fieldManager: FIELD_MANAGER,
        signal,
        onEvent: (event) => {
          const said = describeDrain(event, run.dryRun);
          if (said !== undefined) run[said.where](said.text);
        },
      });
    } catch (error) {
      if (error instanceof DrainError && error.pending.length > 0) {
        run.remark(`There are pending pods in node "${nodeName}" when an error occurred:`);
        for (const { name } of error.pending) run.remark(`pod/${name}`);
      }
      throw error;
    }
  });
}

/** @throws NodeApiError, CliError CLI_USAGE */
export function runUndrain(run: NodeRun): Promise<{ readonly nodeName: string; readonly changed: boolean }> {
  return withClient(run, async ({ patient }, nodeName) => {
    const { signal } = run.surroundings;
    const { changed } = await uncordonNode(patient, nodeName, {
      dryRun: run.dryRun,
      fieldManager: FIELD_MANAGER,
      signal,
    });
    run.tell(cordonText(nodeName, { wanted: "uncordoned", changed, dryRun: run.dryRun }));
    return { nodeName, changed };
  });
}

/**
 * @param text  as kubectl takes it, such as 0s, 90s or 1h30m; a bare number is seconds
 * @throws CliError CLI_USAGE
 */
export function flagDurationMs(text: string, flag: string): number {
  const milliseconds = durationMs(/^\d{1,9}$/.test(text) ? `${text}s` : text);
  if (milliseconds !== undefined) return milliseconds;
  throw new CliError("CLI_USAGE", `--${flag}: ${JSON.stringify(text)} is no duration`, {
    mend: "Give it as 30s, 5m or 1h30m; 0 is without end.",
  });
}

interface Clients {
  readonly client: KubernetesClient;
  /** The same, asking again where the API server wants to be asked later. */
  readonly patient: KubernetesClient;
}

async function withClient<T>(run: NodeRun, work: (clients: Clients, nodeName: string) => Promise<T>): Promise<T> {
  const { environment, signal } = run.surroundings;
  if (run.nodeName === "") {
    throw new CliError("CLI_USAGE", "the node is empty, and has to be a name", {
      mend: "Name it as `kubectl get nodes` lists it, or leave it out for the node that this machine is.",
    });
  }
  const client = await connectKubernetes({
    path: run.kubeconfig,
    environment,
    hostRoot: "/",
    onSkipped: (problem) => run.remark(`Note: ${problem.message} (${problem.code}); using another kubeconfig.`),
  });
  const patient = askedAgain(client, (delayMs, until) => sleep(delayMs, undefined, { signal: until }));
  try {
    const nodeName = run.nodeName ?? (await ownNodeName(patient, { hostRoot: "/", signal }));
    return await work({ client, patient }, nodeName);
  } finally {
    client.close();
  }
}

/** Whoever drains by hand decides; but is told. */
async function noteVerdict(run: DrainRun, client: KubernetesClient, nodeName: string): Promise<void> {
  const verdict = await readDrainVerdict(client, nodeName, run.surroundings.signal);
  if (verdict.reason !== undefined && verdict.reason !== "hidden") run.remark(`Note: ${verdict.sentence}.`);
}
