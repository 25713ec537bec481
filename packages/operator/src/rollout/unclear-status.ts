/** The status of an image of which nobody can tell for which machines it is: it says so, and what it has granted and counted stands. */
import type { ManagedOSImageStatus } from "@rancheros/protocol/resources";
import { canariesDoneSince } from "./canaries-done.ts";
import { describeRollout } from "./describe-rollout.ts";
import { gateOf } from "./gate.ts";
import { withShownDigest } from "./resolved.ts";
import type { RolloutView } from "./rollout-view.ts";
import type { Tally } from "./tally.ts";

/** What was found out about its machines: another replica, which has read an earlier spec, may know them still. */
const OF_MACHINES: ReadonlySet<string> = new Set(["Halted", "Conflict", "PathRefused"]);

function storedTally(status: ManagedOSImageStatus): Tally {
  const { total = 0, updated = 0, updating = 0, failed = 0, pending = 0, refused = 0 } = status;
  const canaries = { canaries: 0, canariesDone: 0, canariesFailed: 0 };
  return { total, claimed: total, updated, updating, failed, pending, refused, ...canaries };
}

export function unclearStatus({ image, plan, conflicts, refusals }: RolloutView, nowMs: number): ManagedOSImageStatus {
  const { metadata, status = {} } = image.object;
  const counted = storedTally(status);
  const described = describeRollout({
    image,
    plan,
    counted,
    gate: gateOf(image, plan, counted, { canariesDoneAt: canariesDoneSince(image), nowMs }),
    clusters: status.clusters ?? 0,
    conflicts,
    refusals,
    silentServers: [],
    found: undefined,
    nowMs,
  });
  const conditions = described.conditions.map((one) => {
    const before = status.conditions?.find(({ type }) => type === one.type);
    return OF_MACHINES.has(one.type) && before !== undefined ? before : one;
  });
  const { generation } = metadata;
  return withShownDigest(image.object, {
    ...status,
    ...described,
    conditions,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  });
}
