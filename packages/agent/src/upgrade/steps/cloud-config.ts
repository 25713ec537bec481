/** The cloud config that comes with an upgrade, and the one from before while a slot is tried with it. */
import { isCodedError } from "@rancheros/protocol/errors";

import { CLOUD_CONFIG_BEFORE_PATH, CLOUD_CONFIG_PATH } from "../container-run.ts";
import { runOf } from "../journal-edits.ts";
import type { Order } from "../journal.ts";
import type { HostPort, SystemSlotsPort } from "../ports.ts";
import { presentRun, type Work } from "../work.ts";
import { forgetConfigFiles, keepConfigFiles, putConfigFilesBack } from "./config-files.ts";

/** More than is applied to a machine. */
const CLOUD_CONFIG_MAX_BYTES = 1024 * 1024 + 1;

/** What of an act's work this needs. */
export interface ConfigWork {
  readonly ports: {
    readonly host: Pick<HostPort, "readFile">;
    readonly slots?: Pick<SystemSlotsPort, "writeCloudConfig" | "configFiles"> | undefined;
  };
  readonly log: (message: string) => void;
}

/** Though the operating system is the same. */
export async function hasMoreToDo(work: Work, { plan, keepsCloudConfig }: Order): Promise<boolean> {
  if (plan.force) return true;
  if (keepsCloudConfig) return false;
  return ((await read(work, CLOUD_CONFIG_PATH)) ?? "") !== (plan.cloudConfig ?? "");
}

/** What the new cloud config is to be: the plan's, or what the machine has. */
export async function cloudConfigFor(work: Work): Promise<string | undefined> {
  const { plan, keepsCloudConfig } = runOf(work.journal()).order;
  return keepsCloudConfig ? read(work, CLOUD_CONFIG_PATH) : plan.cloudConfig;
}

/** Where no upgrade container does it, and the operating system stays. */
export async function applyCloudConfig(work: Work): Promise<void> {
  const { plan, keepsCloudConfig } = presentRun(work).order;
  if (!keepsCloudConfig) await write(work, CLOUD_CONFIG_PATH, plan.cloudConfig ?? "");
}

/** For a slot that is to be tried: what there was is kept first, until it is known which of the two is needed. Can be repeated. */
export async function tryCloudConfig(work: Work): Promise<void> {
  const { plan, keepsCloudConfig } = presentRun(work).order;
  const wanted = plan.cloudConfig ?? "";
  if (keepsCloudConfig) return;
  const present = (await read(work, CLOUD_CONFIG_PATH)) ?? "";
  // After a kill what was kept is kept already, and this is no longer what there was.
  if (present === wanted) return;
  const { slots } = work.ports;
  if (slots !== undefined) await keepConfigFiles(slots.configFiles, wanted, work.log);
  // Empty where there was none, which says the same. Half of one would be worse than none.
  if (Buffer.byteLength(present) < CLOUD_CONFIG_MAX_BYTES) {
    await slots?.writeCloudConfig(CLOUD_CONFIG_BEFORE_PATH, present);
  } else work.log(`${CLOUD_CONFIG_PATH} is too large to be kept until the slot is found good`);
  await write(work, CLOUD_CONFIG_PATH, wanted);
}

/** Whether an upgrade has kept what there was. */
export async function hasCloudConfigBefore(work: ConfigWork): Promise<boolean> {
  return (await read(work, CLOUD_CONFIG_BEFORE_PATH)) !== undefined;
}

/**
 * The old operating system goes on with the config that it had, from when it is applied next. What somebody has written there by
 * hand meanwhile is newer than both, and stays. Can be repeated.
 * @param order  of the upgrade whose slot was tried
 */
export async function takeCloudConfigBack(work: ConfigWork, { plan }: Order): Promise<void> {
  await remark(work, "the cloud config from before cannot be put back", async () => {
    const before = await read(work, CLOUD_CONFIG_BEFORE_PATH);
    if (before === undefined) return;
    const present = (await read(work, CLOUD_CONFIG_PATH)) ?? "";
    const wanted = plan.cloudConfig ?? "";
    // Before the config, as nothing says of a file any more that it is the other one's once that is back.
    if (present === wanted || present === before) await putFilesBack(work, wanted);
    if (present === wanted) await write(work, CLOUD_CONFIG_PATH, before);
    else if (present !== before) work.log(`${CLOUD_CONFIG_PATH} was changed by hand since, and stays as it is`);
    await forgetCloudConfigBefore(work);
  });
}

/** The new operating system is well. */
export async function settleCloudConfig(work: Work): Promise<void> {
  await remark(work, `${CLOUD_CONFIG_BEFORE_PATH} cannot be removed`, () => forgetCloudConfigBefore(work));
}

/** Also that of an earlier upgrade, whose operating system was not well. */
export async function forgetCloudConfigBefore(work: ConfigWork): Promise<void> {
  const { slots } = work.ports;
  if (slots === undefined) return;
  // The config says that there is something to be forgotten, and so goes last. The next upgrade tries again what is left of the files.
  await remark(work, "what was kept of files cannot be removed", () => forgetConfigFiles(slots.configFiles));
  await slots.writeCloudConfig(CLOUD_CONFIG_BEFORE_PATH, undefined);
}

async function putFilesBack({ ports: { slots }, log }: ConfigWork, config: string): Promise<void> {
  if (slots !== undefined) await putConfigFilesBack(slots.configFiles, config, log);
}

/** The verdict is worth more than this: whoever waits for it is told. */
async function remark(work: ConfigWork, what: string, does: () => Promise<void>): Promise<void> {
  try {
    await does();
  } catch (error) {
    if (!isCodedError(error)) throw error;
    work.log(`${what}: ${error.message} (${error.code})`);
  }
}

async function read({ ports }: ConfigWork, path: string): Promise<string | undefined> {
  return (await ports.host.readFile(path, CLOUD_CONFIG_MAX_BYTES))?.toString("utf8");
}

async function write({ ports }: ConfigWork, path: string, text: string): Promise<void> {
  await ports.slots?.writeCloudConfig(path, text === "" ? undefined : text);
}
