/** What is to be said about trust anchors at the registrations that they count for. */
import { staleLists } from "./revocations.ts";
import type { TrustAnchors } from "./trust-anchors.ts";

/** What a condition's message may be long; the API server takes 32 KiB. */
const MESSAGE_MAX = 2048;

/** A condition without type and time. */
export interface AnchorsFinding {
  readonly status: "True" | "False";
  readonly reason: "Read" | "Problems";
  readonly message: string;
}

/** @returns undefined where there are none, and nothing is wrong with that */
export function describeAnchors(anchors: TrustAnchors, nowMs: number): AnchorsFinding | undefined {
  const problems = [...anchors.problems, ...staleLists(anchors.revocations, nowMs)];
  const { roots, intermediates, refused, revocations } = anchors;
  if (problems.length > 0) {
    const text = problems.join("; ");
    const message = text.length > MESSAGE_MAX ? `${text.slice(0, MESSAGE_MAX - 3)}...` : text;
    return { status: "False", reason: "Problems", message };
  }
  if (roots.length + intermediates.length + refused.size + revocations.length === 0) return undefined;
  const counts = [
    `${roots.length} roots`,
    `${intermediates.length} between`,
    `${refused.size} refused hashes`,
    `${revocations.length} revocation lists`,
  ];
  return { status: "True", reason: "Read", message: counts.join(", ") };
}
