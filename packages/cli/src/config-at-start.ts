/** What the start of a machine does with its cloud config before it is applied. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isCodedError } from "@rancheros/protocol/errors";

/** Of an upgrade whose slot is tried. Most machines have none, and load nothing of upgrades at their start. */
const KEPT = "/oem/90_operator.yaml.before";
const STATE_FOLDER = "/var/lib/rancheros";

/** What goes wrong is told only: the upgrade does the same later, and the rest of the cloud config is applied all the same. */
export async function configAtStart(root: string, runFolder: string, tell: (message: string) => void): Promise<void> {
  if (!existsSync(join(root, KEPT))) return;
  const { prepareCloudConfig } = await import("@rancheros/agent/upgrade");
  try {
    await prepareCloudConfig({ hostRoot: root, stateFolder: join(root, STATE_FOLDER), runFolder, log: tell });
  } catch (error) {
    if (!isCodedError(error)) throw error;
    tell(`the cloud config from before the upgrade is not looked at: ${error.message} (${error.code})`);
  }
}
