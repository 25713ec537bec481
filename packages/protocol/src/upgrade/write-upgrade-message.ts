/** From a message about upgrades to the JSON that read-upgrade-message.ts reads. */
import type { PlanAnswer, StatusAnswer, UpgradeStatus } from "./plan.ts";

function write(message: object): Buffer {
  return Buffer.from(JSON.stringify(message));
}

/** The JSON that sealForSession is given. */
export function writePlanAnswer(message: PlanAnswer): Buffer {
  return write(message);
}

export function writeUpgradeStatus(message: UpgradeStatus): Buffer {
  return write(message);
}

export function writeStatusAnswer(message: StatusAnswer): Buffer {
  return write(message);
}
