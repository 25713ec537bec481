/** The containers of an upgrade as system-upgrade-controller would run them, so that images made for it work unchanged. */
import type { Plan } from "@rancheros/protocol/upgrade";

import type { ContainerRun } from "./ports.ts";
import type { Run } from "./journal.ts";

export const PREPARE_CONTAINER = "ros-agent-prepare";
export const UPGRADE_CONTAINER = "ros-agent-upgrade";
/** Where Elemental's and RancherOS' suc-upgrade put the cloud config; what an upgrade by hand leaves as it is. */
export const CLOUD_CONFIG_PATH = "/oem/90_operator.yaml";
/** While a slot is tried: of a name that nothing applies at the start, and empty where there was none. */
export const CLOUD_CONFIG_BEFORE_PATH = `${CLOUD_CONFIG_PATH}.before`;
const DATA_PATH = "/run/data/cloud-config";
/** Of images of the operating system; others have their own entry point. */
const DEFAULT_COMMAND = ["/usr/sbin/suc-upgrade"];

export interface RunPlace {
  /** The node's name, or the machine's. */
  readonly nodeName: string;
  readonly bootId: string;
  /** The text to find at /run/data/cloud-config. */
  readonly cloudConfig: string | undefined;
}

export function prepareRun(run: Run, place: RunPlace): ContainerRun | undefined {
  const { prepare } = run.order.plan;
  if (prepare === undefined) return undefined;
  return { ...commonRun(run, place, PREPARE_CONTAINER, 0), container: prepare };
}

/** Nobody has said how the image is to be installed. An operator names the command that is the default, and one that upgrades by hand names none. */
export function isUsualUpgrade({ upgrade, reference }: Pick<Plan, "upgrade" | "reference">): boolean {
  const [program, ...others] = upgrade.command ?? DEFAULT_COMMAND;
  const isDefault = program === DEFAULT_COMMAND[0] && others.length === 0 && (upgrade.args ?? []).length === 0;
  return isDefault && upgrade.image === reference;
}

export function upgradeRun(run: Run, place: RunPlace): ContainerRun {
  const { upgrade } = run.order.plan;
  const container = isUsualUpgrade(run.order.plan) ? { ...upgrade, command: DEFAULT_COMMAND } : upgrade;
  return { ...commonRun(run, place, UPGRADE_CONTAINER, run.switched?.runs ?? 0), container };
}

/** Source: system-upgrade-controller, pkg/upgrade/container: the environment, and the Secret at /run/data */
function commonRun(run: Run, place: RunPlace, name: string, number: number): Omit<ContainerRun, "container"> {
  const { plan } = run.order;
  const cloudConfig = place.cloudConfig;
  return {
    name,
    run: `${plan.id.slice(0, 16)} ${run.startedMs} ${place.bootId} ${number}`,
    env: {
      SYSTEM_UPGRADE_NODE_NAME: place.nodeName,
      SYSTEM_UPGRADE_POD_NAME: name,
      SYSTEM_UPGRADE_POD_UID: uidOf(plan.id, number),
      SYSTEM_UPGRADE_PLAN_NAME: plan.image,
      SYSTEM_UPGRADE_PLAN_LATEST_HASH: plan.id,
      SYSTEM_UPGRADE_PLAN_LATEST_VERSION: plan.version,
    },
    files: cloudConfig === undefined ? [] : [{ destination: DATA_PATH, content: cloudConfig }],
  };
}

/** In the form of a pod's UID: the same for the same run. */
function uidOf(planId: string, number: number): string {
  const hex = `${planId.slice(0, 28)}${number.toString(16).padStart(4, "0").slice(-4)}`;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
