/** PUT status: how far this machine is. */
import {
  readStatusAnswer,
  writeUpgradeStatus,
  type StatusAnswer,
  type UpgradeStatus,
} from "@rancheros/protocol/upgrade";

import type { SessionKeeper } from "../registration/index.ts";

/** @throws RegistrationError, TpmError, AttestationMessageError */
export function tellStatus(keeper: SessionKeeper, status: UpgradeStatus): Promise<StatusAnswer> {
  const body = writeUpgradeStatus(status);
  return keeper.with((session) =>
    session.ask({ method: "PUT", endpoint: "status", step: "status", body }, readStatusAnswer),
  );
}
