/** What is worth telling of a decision that has been stored. */
import type { ManagedOSImage } from "@rancheros/protocol/resources";
import type { Decision } from "./decide.ts";
import type { RolloutNews } from "./rollout-parts.ts";

const TROUBLE: ReadonlySet<string> = new Set(["Halted", "Refused", "Conflict", "Invalid"]);

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
  if (state !== before.status?.state) {
    news.push({ image, machine: undefined, kind: "state", reason: state, message, isTrouble: TROUBLE.has(state) });
  }
  return news;
}
