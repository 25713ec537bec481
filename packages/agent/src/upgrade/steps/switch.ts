/** Upgrading: the upgrade container runs, and as a rule the machine restarts while or after it does. */
import { upgradeRun } from "../container-run.ts";
import { UpgradeError } from "../errors.ts";
import { enter, runOf } from "../journal-edits.ts";
import type { Journal, Switch } from "../journal.ts";
import { presentRun, say, type Edit, type Work } from "../work.ts";
import { runContainer, type RunEnd } from "./run-container.ts";
import { switchSlot } from "./switch-slot.ts";

const LOOK_MS = 1_000;
/** suc-upgrade's own after it has asked for a restart, and those of what is ended with the machine. */
const RESTART_EXIT_CODES: readonly number[] = [1, 137, 143, 255];
/** Whatever an exit code says, a restart that has begun by then is seen. */
const SETTLED_MS = 2_000;
/** Whoever is asked for restarts knows of none: one may be on its way to them. */
const REBOOT_ASKED_MS = 10_000;
/** Nobody would say that one was asked for, only that it has begun. */
const REBOOT_BEGUN_MS = 60_000;

/**
 * Both for the first time and, as `confirm`, after the restart: suc-upgrade ends with 1 and a restart until there is nothing to do.
 * @throws UpgradeError UPGRADE_CONTAINER_FAILED, UPGRADE_CONTAINER_HANGS, and what the container runtime does
 */
export async function runUpgrade(work: Work): Promise<Edit> {
  if (presentRun(work).target !== undefined) return switchSlot(work);
  let end: RunEnd | undefined;
  try {
    end = await runContainer(work, upgradeRun);
  } catch (error) {
    // What is stopped with the machine is no failure.
    if ((await work.ports.host.shutdown()) === "under-way") return toReboot();
    throw error;
  }
  const isDone = end?.kind === "exited" && end.exitCode === 0;
  await say(work, "the upgrade container has ended; a restart may follow");
  if (await seesStop(work, end)) return toReboot();
  if (isDone) {
    return (journal, now) =>
      enter(journal, "Verifying", now, {
        container: undefined,
        switched: { ...ran(journal), isConfirmed: true, runsOld: false },
      });
  }
  const how = end?.kind === "exited" ? `ended with ${end.exitCode}` : "ended, and nobody knows how";
  const message = [`the upgrade container ${how}, and no restart is under way`, ...(end?.lastLines ?? [])].join("\n");
  throw new UpgradeError("UPGRADE_CONTAINER_FAILED", message);
}

function toReboot(): Edit {
  return (journal, now) => {
    const switched = ran(journal);
    return enter(journal, "Rebooting", now, {
      container: undefined,
      message: "the machine restarts",
      switched: { ...switched, rebootRequests: switched.rebootRequests + 1 },
    });
  };
}

function ran(journal: Journal): Switch {
  const { switched } = runOf(journal);
  if (switched === undefined) throw new UpgradeError("UPGRADE_DEFECT", "the switch is not in the journal");
  return { ...switched, runs: switched.runs + 1 };
}

async function seesStop({ ports, signal }: Work, end: RunEnd | undefined): Promise<boolean> {
  const { host } = ports;
  const begun = host.now().uptimeMs;
  for (;;) {
    const shutdown = await host.shutdown();
    if (shutdown === "under-way") return true;
    if (host.now().uptimeMs - begun >= patienceMs(end, shutdown === "none")) return false;
    try {
      await host.sleep(LOOK_MS, signal);
    } catch (cause) {
      if ((await host.shutdown()) === "under-way") return true;
      throw cause;
    }
  }
}

/** How long a restart may take to be seen after the container's end. */
function patienceMs(end: RunEnd | undefined, isNobodyAsked: boolean): number {
  const mayComeOfIt = end?.kind !== "exited" || RESTART_EXIT_CODES.includes(end.exitCode);
  if (!mayComeOfIt) return SETTLED_MS;
  return isNobodyAsked ? REBOOT_ASKED_MS : REBOOT_BEGUN_MS;
}
