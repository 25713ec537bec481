/** The cloud config that comes with an upgrade. */
import { CLOUD_CONFIG_PATH } from "../container-run.ts";
import { runOf } from "../journal-edits.ts";
import type { Order } from "../journal.ts";
import { presentRun, type Work } from "../work.ts";

const CLOUD_CONFIG_MAX_BYTES = 1024 * 1024;

/** Though the operating system is the same. */
export async function hasMoreToDo({ ports }: Work, { plan, keepsCloudConfig }: Order): Promise<boolean> {
  if (plan.force) return true;
  if (keepsCloudConfig) return false;
  const present = await ports.host.readFile(CLOUD_CONFIG_PATH, CLOUD_CONFIG_MAX_BYTES);
  return (present?.toString("utf8") ?? "") !== (plan.cloudConfig ?? "");
}

/** What the new cloud config is to be: the plan's, or what the machine has. */
export async function cloudConfigFor(work: Work): Promise<string | undefined> {
  const { plan, keepsCloudConfig } = runOf(work.journal()).order;
  if (!keepsCloudConfig) return plan.cloudConfig;
  return (await work.ports.host.readFile(CLOUD_CONFIG_PATH, CLOUD_CONFIG_MAX_BYTES))?.toString("utf8");
}

/** Where no upgrade container does it. */
export async function applyCloudConfig(work: Work): Promise<void> {
  const { plan, keepsCloudConfig } = presentRun(work).order;
  if (keepsCloudConfig) return;
  const text = plan.cloudConfig === "" ? undefined : plan.cloudConfig;
  await work.ports.slots?.writeCloudConfig(CLOUD_CONFIG_PATH, text);
}
