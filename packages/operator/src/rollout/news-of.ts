/** What is worth telling of a decision that has been stored. */
import { isDeepStrictEqual } from "node:util";
import type { ManagedOSImage, ManagedOSImageStatus } from "@rancheros/protocol/resources";
import type { Decision } from "./decide.ts";
import type { RolloutNews } from "./rollout-parts.ts";

const TROUBLE: ReadonlySet<string> = new Set(["Halted", "Refused", "Conflict", "Invalid"]);

interface Missing {
  readonly reason: string;
  /** Of which spec it is said. */
  readonly generation: number | undefined;
}

function saidMissing({ conditions }: ManagedOSImageStatus) {
  const said = conditions?.find(({ type }) => type === "Resolved");
  return said?.status === "False" ? said : undefined;
}

/** Why what the image names cannot be had; undefined where it can, or nobody knows yet. */
function missingOf(status: ManagedOSImageStatus): Missing | undefined {
  const said = saidMissing(status);
  return said && { reason: said.reason ?? "", generation: said.observedGeneration };
}

export function newsOf(before: ManagedOSImage, decision: Decision): readonly RolloutNews[] {
  const { namespace, name, uid } = before.metadata;
  const image = { namespace, name, uid };
  const machine = (one: { readonly machine: string; readonly uid: string }) => ({
    namespace,
    name: one.machine,
    uid: one.uid,
  });
  const news: RolloutNews[] = decision.granted.map((slot) => ({
    image,
    machine: machine(slot),
    kind: "granted",
    reason: "SlotGranted",
    message: `${slot.machine} of cluster ${slot.cluster} may begin (grant ${slot.attempt})`,
    isTrouble: false,
  }));
  for (const failure of decision.failed) {
    news.push({
      image,
      machine: machine(failure),
      kind: "failed",
      reason: "UpgradeFailed",
      message: `${failure.machine}: ${failure.reason}: ${failure.message}`,
      isTrouble: true,
    });
  }
  const { state = "Progressing", message = "" } = decision.status;
  const missing = missingOf(decision.status);
  if (state !== before.status?.state) {
    const isTrouble = TROUBLE.has(state) || missing !== undefined;
    news.push({ image, machine: undefined, kind: "state", reason: state, message, isTrouble });
  } else if (missing !== undefined && !isDeepStrictEqual(missing, missingOf(before.status))) {
    // By its own reason and words: those of the state, which may be another trouble, were told when it began.
    const told = saidMissing(decision.status)?.message ?? message;
    news.push({ image, machine: undefined, kind: "missing", reason: missing.reason, message: told, isTrouble: true });
  }
  return news;
}
