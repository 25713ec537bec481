/** Has a running system take up what was written: by its service manager, which is not shut in as our own unit is. */
import { access, writeFile } from "node:fs/promises";

import { endWithin, startProgram } from "../../programs/index.ts";
import type { Activation } from "../apply/change.ts";

const TIMEOUT_MS = 60_000;
const HOSTNAME = "/proc/sys/kernel/hostname";
/** Source: sd_booted(3) */
const BOOTED = "/run/systemd/system";

/** @returns why it could not be; undefined where it is done, or where no systemd runs here */
export async function activate(activation: Activation): Promise<string | undefined> {
  if (!(await isBooted())) return undefined;
  if (activation.kind === "restart") return restart(activation.unit);
  return writeFile(HOSTNAME, activation.hostname).then(
    () => undefined,
    () => "the host name cannot be set now",
  );
}

async function restart(unit: string): Promise<string | undefined> {
  // Not waited for: early at boot it may be queued behind ourselves.
  const args = ["--no-block", "restart", unit];
  const program = startProgram({
    program: "systemctl",
    args,
    environment: process.env,
    maxOutputBytes: 65_536,
    ownGroup: false,
  });
  const ending = await endWithin(program, { timeoutMs: TIMEOUT_MS });
  return ending?.kind === "exited" && ending.exitCode === 0 ? undefined : `${unit} cannot be restarted`;
}

function isBooted(): Promise<boolean> {
  return access(BOOTED).then(
    () => true,
    () => false,
  );
}
