/** Where a machine stands: its cluster, its turn, and how its last upgrade bears on a plan. */
import { createHash } from "node:crypto";
import { PHASES } from "@rancheros/protocol/upgrade";
import { LOCAL_CLUSTER, LOCAL_NAMESPACE, type CompiledImage } from "./compile-image.ts";
import type { RolloutMachine } from "./rollout-machine.ts";

/** Roles of rancherd with which a node runs a part of the control plane. */
const SERVER_ROLES = new Set(["server", "control-plane", "controlplane", "etcd", "all", "cluster-init"]);

/** What Kubernetes calls such nodes; there are machines of which the inventory knows no role. */
const SERVER_LABELS = [
  "node-role.kubernetes.io/control-plane",
  "node-role.kubernetes.io/etcd",
  "node-role.kubernetes.io/controlplane",
  "node-role.kubernetes.io/master",
];

function hasServerRole(role: string): boolean {
  return role.split(",").some((one) => SERVER_ROLES.has(one.trim().toLowerCase()));
}

export function isServer(machine: RolloutMachine): boolean {
  const { role = "", labels } = machine.rollout;
  return hasServerRole(role) || SERVER_LABELS.some((label) => Object.hasOwn(labels, label));
}

/**
 * Whether the others may rely on it where they go away. The labels are the machine's own word, and whoever is root on agents
 * could say that they are servers: where the cluster knows its role, that counts.
 */
export function isCountedServer(machine: RolloutMachine): boolean {
  const { role } = machine.rollout;
  return role === undefined ? isServer(machine) : hasServerRole(role);
}

/** Undefined where the machine belongs to none yet. */
export function clusterOf(machine: RolloutMachine): string | undefined {
  return machine.metadata.namespace === LOCAL_NAMESPACE ? LOCAL_CLUSTER : machine.rollout.clusterName;
}

export function isCanary(image: CompiledImage, machine: RolloutMachine): boolean {
  return image.canary?.nodes(machine.rollout.labels) ?? false;
}

/** Characters of the hash: 128 bits, so that no two machines have the same place. */
const HASH_CHARACTERS = 32;

/** Sorts the machines of a cluster: canaries, then by role, then by a hash that is another one for each plan. */
export function orderKey(image: CompiledImage, machine: RolloutMachine, plan: string): string {
  const canary = isCanary(image, machine) ? "0" : "1";
  const serversFirst = isServer(machine) ? "0" : "1";
  const agentsFirst = isServer(machine) ? "1" : "0";
  const role = { ServersFirst: serversFirst, AgentsFirst: agentsFirst, Any: "0" }[image.order];
  const hash = createHash("sha256").update(`${machine.metadata.uid}${plan}`).digest("hex");
  return `${canary}${role}${hash.slice(0, HASH_CHARACTERS)}`;
}

/** done: it runs the plan. broken: the plan went wrong there. open: neither. */
export type Outcome = "done" | "broken" | "open";

export function outcomeOf(machine: RolloutMachine, plan: string | undefined): Outcome {
  const { upgrade } = machine.rollout;
  if (upgrade === undefined || plan === undefined || upgrade.plan !== plan) return "open";
  if (upgrade.phase === "Succeeded") return "done";
  return upgrade.phase === "Failed" || upgrade.phase === "RolledBack" ? "broken" : "open";
}

/** Whether somebody has asked for another try since the machine's last one began. */
export function isAgainAsked({ rollout: { retry, upgrade } }: RolloutMachine): boolean {
  return retry !== undefined && retry !== upgrade?.retry;
}

/** Whether the machine says that it is in the middle of an upgrade. */
export function isUnderWay(machine: RolloutMachine): boolean {
  const { upgrade } = machine.rollout;
  return upgrade !== undefined && PHASES[upgrade.phase].holdsSlot;
}

/** Whether what the machine said is about this very grant. */
export function isAbout(
  machine: RolloutMachine,
  image: string,
  grant: { readonly plan: string; readonly attempt: number },
): boolean {
  const { upgrade } = machine.rollout;
  return upgrade?.image === image && upgrade.plan === grant.plan && upgrade.attempt === grant.attempt;
}
