/** Which operating system came up after a restart, and what that says of the upgrade. */
import type { BootSlot } from "./boot-slot.ts";
import type { Releases, Switch } from "./journal.ts";
import type { UpgradeErrorCode } from "./errors.ts";

export interface Arrival {
  readonly slot: BootSlot;
  /** Digest of the release file of what runs now; undefined without one. */
  readonly release: string | undefined;
}

export type ArrivalVerdict =
  /** The new one, or one of which only the upgrade container can tell. */
  | { readonly kind: "go-on" }
  | { readonly kind: "rolled-back"; readonly code: UpgradeErrorCode; readonly message: string }
  | { readonly kind: "failed"; readonly code: UpgradeErrorCode; readonly message: string };

/** A machine that restarts again and again during an upgrade is not helped by another one. */
export const BOOTS_MAX = 6;
/** Before the container has agreed; with one more a fallback is certain. */
const REBOOT_REQUESTS_MAX = 2;

/** @param switched  with this boot counted */
export function judgeArrival(
  switched: Switch,
  releases: Pick<Releases, "old" | "new"> | undefined,
  { slot, release }: Arrival,
): ArrivalVerdict {
  const { rebootRequests, boots, startedFrom } = switched;
  const wasAsked = rebootRequests > 0;
  const isOld = isOldRelease(releases, release);
  const isCertain = releases?.new !== undefined || rebootRequests >= REBOOT_REQUESTS_MAX;
  if (slot === "recovery") {
    return fellBack("the machine has started its recovery system: neither of its operating systems came up");
  }
  // A power cut before the switch brings the slot that it was in, and that is no fallback.
  if (slot === "passive" && (wasAsked || startedFrom !== "passive")) {
    return fellBack("the machine has started its passive slot: the new operating system did not come up");
  }
  if (isOld && wasAsked && isCertain) {
    return fellBack("after the restart the operating system from before runs");
  }
  if (restartsForEver(switched)) {
    const message = `the machine has restarted ${boots} times, and the upgrade container asked for ${rebootRequests} of them`;
    return { kind: "failed", code: "UPGRADE_REBOOTS_AGAIN", message };
  }
  return { kind: "go-on" };
}

/** @param release  of what runs now */
export function isOldRelease(
  releases: Pick<Releases, "old" | "new"> | undefined,
  release: string | undefined,
): boolean {
  return release !== undefined && release === releases?.old && release !== releases.new;
}

function restartsForEver({ boots, rebootRequests, isConfirmed }: Switch): boolean {
  return boots >= BOOTS_MAX || (!isConfirmed && rebootRequests > REBOOT_REQUESTS_MAX);
}

function fellBack(message: string): ArrivalVerdict {
  return { kind: "rolled-back", code: "UPGRADE_FELL_BACK", message };
}
